/** What must hold after a victim's life, whatever happened to it, and after the undisturbed run that follows. */
import { access } from 'node:fs/promises';
import { DEFAULT_POLICY } from '@lading/core';
import { openDepot, readDepot } from '@lading/node';
import { replayed } from '@lading/runtime';
import { filesBelow, finalFiles } from '../scenarios/world.js';
import type { Ground, Scenario } from './ground.js';
import { WANTED } from './ground.js';
import type { Point } from './point.js';
import type { Life } from './victim.js';

const NO_SPACE = 5;
const FAILED = 1;
/** What a disk that fails may be called. */
const CODES: Readonly<Record<string, readonly string[]>> = {
  EIO: ['storageError'],
  ENOSPC: ['noSpace'],
  EDQUOT: ['noSpace'],
  EACCES: ['filePermissions'],
  EMFILE: ['storageError'],
  EINTR: ['storageError'],
};

/** Everything wrong with how a life ended; empty if nothing is. */
export async function judgeLife(ground: Ground, point: Point, life: Life, dir: string): Promise<readonly string[]> {
  return [...wrongEnding(point, life), ...(await wrongFiles(ground, dir)), ...(await lostPromises(ground, life, dir))];
}

function wrongEnding({ misfortune }: Point, { code, signal, isHung, records, stderr }: Life): readonly string[] {
  if (isHung) return ['it hung'];
  if (misfortune === 'kill') {
    return code === 0 || signal === 'SIGKILL' ? [] : [`it ended with ${code ?? signal}: ${stderr}`];
  }
  if (code === 0) return records.some(({ type }) => type === 'ready') ? [] : ['it ended well and said nothing of it'];
  const error = misfortune.replace('+', '');
  const expected = CODES[error]?.includes('noSpace') ? NO_SPACE : FAILED;
  const told = records.filter(({ type }) => type === 'failed' || type === 'error');
  const isNamed = told.length > 0 && told.every((each) => CODES[error]?.includes(each.code ?? ''));
  if (code === expected && isNamed) return [];
  const words = told.map((each) => `${each.code} (${each.message})`).join('; ');
  return [`it ended with ${code ?? signal} and told ${words || 'nothing'}${stderr === '' ? '' : `: ${stderr}`}`];
}

async function wrongFiles(ground: Ground, dir: string): Promise<readonly string[]> {
  const files = await finalFiles(dir);
  return files
    .filter(({ core, file, sha256 }) => ground.digestOf(core, file) !== sha256)
    .map(({ core, generation, file }) => `wrong under a final name: ${core}/${generation}/${file}`);
}

/** What it said is recorded for good, and the record can be told. */
async function lostPromises(ground: Ground, { records }: Life, dir: string): Promise<readonly string[]> {
  try {
    const reader = await readDepot({ dir, catalog: ground.catalog });
    const breaches = [...replayed(await reader.archive(), DEFAULT_POLICY)].flatMap(({ breaches: found }) => found);
    const lost = records.filter(({ type, id }) => type === 'ready' && reader.status(id ?? '').phase !== 'ready');
    const missing: string[] = [];
    for (const path of records.flatMap(({ paths }) => paths ?? [])) {
      await access(path).catch(() => missing.push(path));
    }
    return [
      ...breaches.map(({ law, message }) => `its history breaks a law: ${law}: ${message}`),
      ...lost.map(({ id }) => `${id} had been said to be ready and is not`),
      ...missing.map((path) => `${path} had been named and is not there`),
    ];
  } catch (error) {
    return [`its history cannot be read: ${String(error)}`];
  }
}

/** Everything wrong with the run that follows without any misfortune. */
export async function judgeNext(ground: Ground, scenario: Scenario, dir: string): Promise<readonly string[]> {
  try {
    const id = WANTED[scenario];
    const depot = await openDepot({ dir, catalog: ground.catalog, retryBaseMs: 10 });
    try {
      if (['paused', 'failed'].includes(depot.status(id).phase)) await depot.retry(id).catch(() => depot.resume(id));
      const { paths } = await depot.download(id);
      const damaged = (await depot.verify()).flatMap(({ core, damaged: bad }) =>
        bad.map((file) => `${core}/${file.filename}`),
      );
      await depot.clean();
      await depot.close();
      return [
        ...damaged.map((name) => `damaged in the end: ${name}`),
        ...(await wrongFiles(ground, dir)),
        ...(await orphans(dir, paths)),
      ];
    } finally {
      await depot.close();
    }
  } catch (error) {
    return [`the next run fails: ${String(error)}`];
  }
}

async function orphans(dir: string, paths: readonly string[]): Promise<readonly string[]> {
  const wanted = new Set(paths);
  const files = await filesBelow(dir);
  const isKnown = (file: string): boolean =>
    file === 'reserve' || /^journal\/(\d{6}\.jsonl|snapshot\.json)$/.test(file);
  return files.filter((file) => !(isKnown(file) || wanted.has(`${dir}/${file}`))).map((file) => `orphan: ${file}`);
}
