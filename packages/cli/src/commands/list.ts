import type { Status } from '@lading/core';
import { fitted, padded } from '../bar.js';
import { formatBytes } from '../bytes.js';
import { type Reader, reading } from '../opening.js';
import { paint } from '../paint.js';
import { oneLine } from '../printable.js';
import { DONE, type Outcome, type Session } from '../session.js';
import { phaseColour, plural, statusWords } from '../words.js';

const NAME_COLUMNS = 44;

/** Everything that the catalog and the depot speak of, by engine. */
export async function list(session: Session): Promise<Outcome> {
  const { out } = session;
  const reader = await reading(session);
  const statuses = reader.list();
  const { catalog } = reader;
  if (out.isJson) {
    for (const status of statuses) out.record('status', { ...status, ...traitsOf(reader, status) });
  } else {
    const known = new Map(statuses.filter(({ kind }) => kind !== 'core').map((status) => [status.id, status]));
    for (const engine of catalog.engines()) {
      const group = catalog.voicesOf(engine).flatMap(({ id }) => known.get(id) ?? []);
      for (const line of groupLines(reader, engine, group)) out.result(line);
      for (const { id } of group) known.delete(id);
    }
    // What is here though no catalog names it any more.
    if (known.size > 0)
      for (const line of groupLines(reader, 'not in the catalog', [...known.values()])) out.result(line);
    const bundles = [...catalog.bundles()];
    if (bundles.length > 0) out.result(paint('bold', 'bundles'));
    for (const { id, displayName, requires } of bundles) {
      const name = displayName === id ? '' : `  ${oneLine(displayName)}`;
      out.result(`  ${id}${name}  ${paint('dim', requires.join(', '))}`);
    }
    if (bundles.length > 0) out.result();
  }
  const voices = statuses.filter(({ kind }) => kind !== 'core');
  const ready = voices.filter(({ phase }) => phase === 'ready').length;
  const cores = statuses.length - voices.length;
  out.result(
    `${plural(voices.length, 'entry', 'entries')}, ${plural(cores, 'core')}, ${ready} ready in ${session.settings.dir}`,
  );
  return { ...DONE, counts: { voices: voices.length, cores, ready } };
}

function traitsOf({ catalog }: Reader, { kind, id }: Status): object {
  if (kind === 'core') {
    const core = catalog.core(id);
    return {
      displayName: core?.displayName ?? null,
      engineId: core?.engineType ?? null,
      license: core?.license ?? null,
    };
  }
  const voice = catalog.voice(id);
  return {
    displayName: voice?.displayName ?? null,
    engineId: voice?.engineId ?? null,
    language: voice?.language ?? null,
  };
}

function groupLines({ catalog }: Reader, title: string, group: readonly Status[]): readonly string[] {
  const now = Date.now();
  const rows = group.map((status) => {
    const voice = catalog.voice(status.id);
    return {
      status,
      name: fitted(oneLine(voice?.displayName ?? ''), NAME_COLUMNS),
      language: oneLine(voice?.language ?? ''),
      size: formatBytes(status.bytesTotal),
    };
  });
  const widest = (texts: readonly string[]) => Math.max(0, ...texts.map((text) => [...text].length));
  const columns = {
    id: widest(group.map(({ id }) => id)),
    name: widest(rows.map(({ name }) => name)),
    language: widest(rows.map(({ language }) => language)),
  };
  const lines = rows.map(({ status, name, language, size }) => {
    const words = paint(phaseColour(status.phase), statusWords(status, now));
    const cells = [
      padded(status.id, columns.id),
      padded(name, columns.name),
      padded(language, columns.language),
      size.padStart(7),
    ];
    return `  ${cells.join('  ')}  ${words}`;
  });
  return [paint('bold', `${oneLine(title)} (${group.length})`), ...lines, ''];
}
