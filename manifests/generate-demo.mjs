// Writes the demo catalog, `manifests/demo.json`, and its small files in `manifests/demo/`; the large ones are grown from
// their names by the demo's origin, `packages/cli/src/demo-origin.ts`. Running it again changes nothing.
//
//   node manifests/generate-demo.mjs           writes what differs
//   node manifests/generate-demo.mjs --check   writes nothing, exits 1 if something differs
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { gunzipSync, gzipSync } from 'node:zlib';
import { layOut } from './generate/layout.mjs';

const MiB = 1_048_576;
const pieceBytes = 4 * MiB;
/** 2026-01-01: a fixed time, because the archive must come out the same on every day. */
const mtimeSeconds = 1_767_225_600;

// The origin's own byte function, from its source: there is only one, and no stale build can disagree. This folder is no
// package; the command line's package has the compiler.
const cli = new URL('../packages/cli/', import.meta.url);
const { transform } = createRequire(new URL('package.json', cli))('esbuild');
const { code } = await transform(readFileSync(new URL('src/demo-bytes.ts', cli)), { loader: 'ts', format: 'esm' });
const { demoBytes } = await import(`data:text/javascript,${encodeURIComponent(code)}`);

const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');
const json = (value) => Buffer.from(`${JSON.stringify(value, null, 2)}\n`);

// --- Phoneme tables: text in the shape of espeak-ng's data, all of it invented ---

const archiveTop = 'phonemes-1.0';
const languages = [
  ['cel', 'cy', 'Welsh'], ['cel', 'ga', 'Irish'], ['gmq', 'da', 'Danish'], ['gmq', 'is', 'Icelandic'], ['gmq', 'nb', 'Norwegian'],
  ['gmq', 'sv', 'Swedish'], ['gmw', 'de', 'German'], ['gmw', 'en', 'English'], ['gmw', 'nl', 'Dutch'], ['itc', 'la', 'Latin'],
  ['roa', 'ca', 'Catalan'], ['roa', 'es', 'Spanish'], ['roa', 'fr', 'French'], ['roa', 'it', 'Italian'], ['roa', 'pt', 'Portuguese'],
  ['roa', 'ro', 'Romanian'], ['urj', 'et', 'Estonian'], ['urj', 'fi', 'Finnish'], ['urj', 'hu', 'Hungarian'], ['zlw', 'cs', 'Czech'],
];
const variants = [
  'croak', 'f1', 'f2', 'f3', 'f4', 'f5', 'm1', 'm2', 'm3', 'm4', 'm5', 'm6', 'm7', 'm8', 'robot', 'soft', 'whisper', 'whisperf',
];
const onsets = ['b', 'd', 'f', 'g', 'h', 'k', 'l', 'm', 'n', 'p', 'r', 's', 't', 'v', 'br', 'dr', 'kl', 'pl', 'st', 'tr'];
const nuclei = [['a', 'a'], ['e', 'E'], ['i', 'I'], ['o', '0'], ['u', 'U'], ['ai', 'aI'], ['au', 'aU'], ['ee', 'i:'], ['oo', 'u:']];

/** Choices that follow from a name. */
function luckOf(name) {
  const bytes = demoBytes(name, 0, 65_536);
  let at = 0;
  return (limit) => ((bytes[at++] << 8) | bytes[at++]) % limit;
}

function dictionary(tag, language) {
  const luck = luckOf(`${tag}_dict`);
  const lines = new Set();
  for (let entry = 0; entry < 130; entry += 1) {
    const [spelling, sound] = [[], []];
    const syllables = 1 + luck(3);
    for (let n = 0; n < syllables; n += 1) {
      const onset = onsets[luck(onsets.length)];
      const [letters, phoneme] = nuclei[luck(nuclei.length)];
      spelling.push(onset + letters);
      sound.push((n === 0 ? "'" : '') + onset + phoneme);
    }
    lines.add(`${spelling.join('').padEnd(16)}${sound.join('')}`);
  }
  return `// ${language}, a demonstration: no real word is meant\n${[...lines].sort().join('\n')}\n`;
}

function languageFile(tag, language) {
  const luck = luckOf(`lang/${tag}`);
  return `name ${language}\nlanguage ${tag}\ndictionary ${tag}\npitch ${70 + luck(20)} ${110 + luck(30)}\nspeed ${90 + luck(25)}\n`;
}

function variantFile(name) {
  const luck = luckOf(`voices/!v/${name}`);
  const formants = [1, 2, 3, 4, 5].map((n) => `formant ${n} ${80 + luck(40)} ${80 + luck(40)} ${80 + luck(40)}`);
  return `language variant\nname ${name}\npitch ${60 + luck(60)} ${100 + luck(80)}\necho ${luck(40)} ${luck(30)}\n${formants.join('\n')}\n`;
}

function phonemeTable() {
  const vowels = nuclei.map(([, sound], n) => `phoneme ${sound}\n  vowel starttype #${n} endtype #${n}\n  length ${120 + 10 * n}\nendphoneme\n`);
  const others = onsets.map((sound) => `phoneme ${sound}\n  consonant\n  length 60\nendphoneme\n`);
  return `phonemetable base\n\n${[...vowels, ...others].join('\n')}`;
}

const phonemes = new Map([
  ['README', 'Phoneme tables of the Lading demo: invented, in the shape of espeak-ng\'s data. No voice can speak with them.\n'],
  ['phontab', phonemeTable()],
  ['phonindex', [...nuclei.map(([, sound]) => sound), ...onsets].map((sound, n) => `${String(n).padStart(4, '0')} ${sound}\n`).join('')],
  ['intonations', ['statement', 'comma', 'question', 'exclamation'].map((name, n) => `tune ${name}\nprehead ${46 + n} ${57 - n}\nheadenv fall 16\nnucleus fall 80 18\nendtune\n`).join('\n')],
  ...languages.flatMap(([family, tag, language]) => [
    [`${tag}_dict`, dictionary(tag, language)],
    [`lang/${family}/${tag}`, languageFile(tag, language)],
  ]),
  ...variants.map((name) => [`voices/!v/${name}`, variantFile(name)]),
]);

// --- The archive: ustar, sorted, one owner, one time ---

function tarHeader(name, sizeBytes, isFolder) {
  const header = Buffer.alloc(512);
  const octal = (value, at, digits) => header.write(`${value.toString(8).padStart(digits, '0')}\0`, at, 'latin1');
  if (Buffer.byteLength(name) > 100) throw new Error(`too long for a tar header: ${name}`);
  header.write(name, 0, 'latin1');
  octal(isFolder ? 0o755 : 0o644, 100, 7);
  octal(0, 108, 7);
  octal(0, 116, 7);
  octal(sizeBytes, 124, 11);
  octal(mtimeSeconds, 136, 11);
  header.write(isFolder ? '5' : '0', 156, 'latin1');
  header.write('ustar\x0000', 257, 'latin1');
  octal(0, 329, 7);
  octal(0, 337, 7);
  // The checksum counts itself as eight spaces.
  header.fill(' ', 148, 156);
  header.write(`${header.reduce((sum, byte) => sum + byte, 0).toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return header;
}

function tarOf(texts) {
  const entries = new Map();
  for (const [name, text] of texts) {
    const path = `${archiveTop}/${name}`;
    for (let at = path.indexOf('/'); at >= 0; at = path.indexOf('/', at + 1)) entries.set(path.slice(0, at + 1), null);
    entries.set(path, Buffer.from(text));
  }
  const blocks = [];
  for (const name of [...entries.keys()].sort()) {
    const bytes = entries.get(name);
    blocks.push(tarHeader(name, bytes?.length ?? 0, bytes === null));
    if (bytes !== null) blocks.push(bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512));
  }
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}

/** Another zlib may pack the same bytes otherwise, so an archive that unpacks to the right ones stays as it is. */
function gzipUnlessSame(place, tar) {
  try {
    const existing = readFileSync(place);
    if (gunzipSync(existing).equals(tar)) return existing;
  } catch {
    // There is none yet, or it is broken.
  }
  const packed = gzipSync(tar, { level: 9 });
  // The header's operating system: "unknown", instead of whose machine made it.
  packed[9] = 255;
  return packed;
}

// --- The catalog ---

function grownFile(filename, sizeBytes, withPieces = false) {
  const bytes = demoBytes(filename, 0, sizeBytes);
  const pieces = [];
  for (let at = 0; at < sizeBytes; at += pieceBytes) pieces.push(sha256(bytes.subarray(at, at + pieceBytes)));
  return {
    filename,
    url: `files/${filename}`,
    sizeBytes,
    sha256: sha256(bytes),
    ...(withPieces && { pieces: { sizeBytes: pieceBytes, sha256: pieces } }),
  };
}

const storedFile = (filename, name, bytes) => ({ filename, url: `files/${name}`, sizeBytes: bytes.length, sha256: sha256(bytes) });

const archivePlace = new URL('demo/phonemes.tar.gz', import.meta.url);
const archive = gzipUnlessSame(archivePlace, tarOf(phonemes));
const modelConfig = json({ engine: 'demo', sampleRateHz: 24_000, speakers: ['aria', 'basil'], phonemes: archiveTop });
const cleoConfig = json({ engine: 'demo', sampleRateHz: 22_050, speakers: ['cleo'], phonemes: null });

const about = { license: 'CC0-1.0' };
const shared = ['demo_model', 'demo_voices', 'demo_phonemes'];
const voice = (id, displayName, language, gender, speakerId, coreRequirements) => ({
  id, kind: 'voice', engineId: 'demo', displayName, language, gender, coreRequirements, speakerId, modelKey: null, sampleUrl: null,
});

const catalog = layOut({
  version: 3,
  id: 'demo',
  revision: 1,
  lastUpdated: '2026-11-20',
  cores: [
    {
      id: 'demo_model', type: 'engine_core', engineType: 'demo', displayName: 'Demo model', ...about,
      files: [grownFile('demo-model.onnx', 24 * MiB, true), storedFile('config.json', 'demo-model.config.json', modelConfig)],
    },
    {
      id: 'demo_voices', type: 'engine_core', engineType: 'demo', displayName: 'Demo voices', ...about,
      files: [grownFile('demo-voices.bin', 4 * MiB)],
    },
    {
      id: 'demo_phonemes', type: 'engine_dependency', engineType: 'demo', displayName: 'Demo phoneme tables', ...about,
      url: 'files/phonemes.tar.gz', sizeBytes: archive.length, sha256: sha256(archive), extractType: 'tar.gz', stripComponents: 1,
    },
    {
      id: 'demo_cleo_model', type: 'voice_model', engineType: 'demo', displayName: 'Cleo', ...about,
      files: [grownFile('demo-cleo.onnx', 8 * MiB), storedFile('demo-cleo.onnx.json', 'demo-cleo.onnx.json', cleoConfig)],
    },
  ],
  voices: [
    voice('demo_aria', 'Aria', 'en-US', 'female', 0, shared),
    voice('demo_basil', 'Basil', 'en-GB', 'male', 1, shared),
    voice('demo_cleo', 'Cleo', 'fr-FR', 'female', 0, ['demo_cleo_model']),
  ],
  bundles: [{ id: 'demo_all', displayName: 'All demo voices', requires: ['demo_aria', 'demo_basil', 'demo_cleo'] }],
});

// --- To disk ---

const check = process.argv.includes('--check');
mkdirSync(new URL('demo/', import.meta.url), { recursive: true });
for (const [name, bytes] of [
  ['demo/phonemes.tar.gz', archive],
  ['demo/demo-model.config.json', modelConfig],
  ['demo/demo-cleo.onnx.json', cleoConfig],
  ['demo.json', Buffer.from(catalog)],
]) {
  const place = new URL(name, import.meta.url);
  let before;
  try {
    before = readFileSync(place);
  } catch {
    // Not there yet.
  }
  if (before?.equals(bytes)) continue;
  console.log(`${check ? 'differs' : 'written'}: ${name}, ${bytes.length} bytes`);
  if (check) process.exitCode = 1;
  else writeFileSync(place, bytes);
}
