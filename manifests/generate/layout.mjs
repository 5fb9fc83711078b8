// Writes a manifest so that a change of one file, voice or bundle is a change of one line.

/** `{ "a": 1, "b": [2] }` on one line, with air where people look for it. */
function inline(value) {
  if (Array.isArray(value)) return `[${value.map(inline).join(', ')}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  return `{ ${fields(value)} }`;
}

const fields = (record) =>
  Object.entries(record)
    .map(([key, value]) => `${JSON.stringify(key)}: ${inline(value)}`)
    .join(', ');

/** A core's own fields stand on its first line, its files below, one a line; of an archive, what is fetched stands below. */
function core({ files, url, sizeBytes, sha256, ...own }) {
  if (files === undefined) {
    const { extractType, stripComponents, ...head } = own;
    return `{ ${fields(head)},\n      ${fields({ url, sizeBytes, sha256, extractType, stripComponents })} }`;
  }
  return `{ ${fields(own)}, "files": [\n${files.map((file) => `      ${inline(file)}`).join(',\n')}\n    ] }`;
}

const list = (name, entries) =>
  `  ${JSON.stringify(name)}: [\n${entries.map((entry) => `    ${entry}`).join(',\n')}\n  ]`;

export function layOut({ cores, voices, bundles, ...head }) {
  const text = [
    ...Object.entries(head).map(([key, value]) => `  ${JSON.stringify(key)}: ${inline(value)}`),
    list('cores', cores.map(core)),
    list('voices', voices.map(inline)),
    ...(bundles === undefined ? [] : [list('bundles', bundles.map(inline))]),
  ];
  return `{\n${text.join(',\n')}\n}\n`;
}
