// A journal as a long life leaves it, written by the product's own writer: voices come and go, transfers break, and every so often there is a
// snapshot. What the last state says is installed lies on the disk.
import { mkdir, open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { imageOf } from '@lading/core';
import { FileJournal } from '@lading/node';
import { ENGINE, Life, voiceId } from './world.mjs';

/** As the conductor's: events between two snapshots, or as many as there are cores and voices. */
const SNAPSHOT_EVENTS = 1_000;
/** Records of one write; each write is synced. */
const BATCH = 100;
const CHECKPOINTS = 12;
const FAULT = { type: 'interrupted', detail: 'ECONNRESET', message: 'the connection was reset' };

/** One voice after the other is asked for, fetched with a fault on the way, and at times deleted. */
function* happenings(life, voices) {
  life.tell({ type: 'woke', epoch: 1, staged: {}, missing: {} });
  for (let luck = 1; ; luck = (Math.imul(luck, 1_664_525) + 1_013_904_223) >>> 0) {
    const id = voiceId((luck >>> 8) % voices);
    const pack = life.catalog.voice(id).coreRequirements[1];
    if (life.state.voices.has(id)) {
      life.tell({ type: 'delete', id, force: false });
      life.report('removed', pack);
      // The last voice takes the engine with it.
      if (life.state.cores.get(ENGINE)?.phase === 'deleting') life.report('removed', ENGINE);
    } else {
      life.tell({ type: 'download', id });
      for (const core of [ENGINE, pack]) {
        if (life.state.cores.get(core)?.phase !== 'preparing') continue;
        life.report('prepared', core, { staged: {} });
        life.checkpoint(core, 100_000);
        life.report('faulted', core, { fault: FAULT, voided: [] });
        life.report('due', core);
        life.finish(core, CHECKPOINTS);
      }
    }
    yield;
  }
}

/** Writes a history of at least so many events into the folder; after its last snapshot come almost as many as make another. */
export async function writeHistory(dir, catalog, voices, events) {
  const journal = new FileJournal(join(dir, 'journal'), 'write');
  await journal.load();
  const life = new Life(catalog);
  let snapshotAt = 0;
  const due = () => Math.max(SNAPSHOT_EVENTS, life.state.cores.size + life.state.voices.size);
  const write = async () => {
    if (life.records.length > 0) await journal.append(life.records.splice(0));
  };
  for (const _ of happenings(life, voices)) {
    const { position } = life.state;
    if (life.records.length >= BATCH) await write();
    if (position - snapshotAt >= due() && position < events) {
      await write();
      await journal.compact(imageOf(life.state));
      snapshotAt = position;
    }
    if (position >= events && position - snapshotAt >= due() - 100) break;
  }
  await write();
  await journal.close();
  await layOut(dir, life.state);
  return { state: life.state, tail: life.state.position - snapshotAt };
}

/** The installed files, each with its length and no bytes. */
export async function layOut(dir, state) {
  for (const [core, { context }] of state.cores.entries()) {
    for (const { filename, sizeBytes } of context.installed?.files ?? []) {
      const path = join(dir, 'cores', core, context.installed.generation, filename);
      await mkdir(dirname(path), { recursive: true });
      const handle = await open(path, 'w');
      await handle.truncate(sizeBytes);
      await handle.close();
    }
  }
}
