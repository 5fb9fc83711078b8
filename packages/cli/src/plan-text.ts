import type { CorePlan, Plan } from '@lading/core';
import { padded } from './bar.js';
import { formatBytes } from './bytes.js';
import { paint } from './paint.js';
import { oneLine } from './printable.js';
import { plural } from './words.js';

function stateOf(core: CorePlan): string {
  if (core.bytesToFetch === 0) return core.files.every((file) => file.state === 'cached') ? 'here' : 'whole, unproven';
  const kept = core.bytesTotal - core.bytesToFetch;
  if (core.isUpdate) return `update ${formatBytes(core.bytesToFetch)}`;
  return kept > 0
    ? `fetch ${formatBytes(core.bytesToFetch)}, ${formatBytes(kept)} are here`
    : `fetch ${formatBytes(core.bytesToFetch)}`;
}

/** A plan in lines: each core with what is fetched of it, then what it comes to. */
export function planLines(ids: readonly string[], plan: Plan, freeBytes: number | null): readonly string[] {
  const idColumns = Math.max(...plan.cores.map(({ id }) => id.length), 4);
  const states = plan.cores.map(stateOf);
  const stateColumns = Math.max(...states.map((state) => state.length), 4);
  const cores = plan.cores.map((core, i) => {
    const state = padded(states[i] ?? '', stateColumns);
    const coloured = core.bytesToFetch === 0 ? paint('green', state) : paint('cyan', state);
    const shared = core.usedBy.length > 1 ? `, shared by ${core.usedBy.length}` : '';
    const license = core.license === null ? '' : `, ${oneLine(core.license)}`;
    const what = `${oneLine(core.displayName)}, ${plural(core.files.length, core.isArchive ? 'archive' : 'file')}${license}${shared}`;
    return `  ${padded(core.id, idColumns)}  ${coloured}  ${paint('dim', what)}`;
  });
  const saves = plan.sharingSavesBytes > 0 ? `; sharing saves ${formatBytes(plan.sharingSavesBytes)}` : '';
  const nothing = plan.cores.length === 0;
  const total = nothing
    ? 'nothing is known of what is to fetch'
    : plan.bytesToFetch === 0
      ? `nothing to fetch, all ${formatBytes(plan.bytesTotal)} are here${saves}`
      : `${formatBytes(plan.bytesToFetch)} to fetch of ${formatBytes(plan.bytesTotal)}${saves}`;
  const isShort = freeBytes !== null && plan.neededBytes > freeBytes;
  const free = freeBytes === null ? '' : `, ${formatBytes(freeBytes)} are free`;
  const space = plan.neededBytes === 0 ? [] : [`needs ${formatBytes(plan.neededBytes)} of disk${free}`];
  return [
    paint('bold', `Plan for ${ids.join(', ')}`),
    ...cores,
    `  ${total}`,
    ...space.map((line) => `  ${isShort ? paint('red', `${line}: not enough`) : line}`),
  ];
}

/** The same as a record. */
export function planRecord(ids: readonly string[], plan: Plan, freeBytes: number | null): object {
  return { id: ids[0] ?? null, ids, ...plan, freeBytes };
}
