import { Catalog } from '@lading/core';
import { DiskStore, readDepot } from '@lading/node';
import { padded } from '../bar.js';
import { formatBytes } from '../bytes.js';
import { freeBytesAt } from '../free-space.js';
import { paint } from '../paint.js';
import { DONE, type Outcome, type Session } from '../session.js';

const total = (bytes: Readonly<Record<string, number>>): number =>
  Object.values(bytes).reduce((sum, each) => sum + each, 0);

/** Disk space, as the disk says it. */
export async function usage({ out, settings }: Session): Promise<Outcome> {
  // Says in our words why a directory cannot be read, before it is measured.
  await readDepot({ ...settings, catalog: Catalog.empty() });
  const { cores, staging, otherBytes } = await new DiskStore(settings.dir).usage();
  const freeBytes = await freeBytesAt(settings.dir);
  const totalBytes = total(cores) + total(staging) + otherBytes;
  out.record('usage', { dir: settings.dir, cores, staging, otherBytes, totalBytes, freeBytes });
  const rows = [
    ...Object.entries(cores).map(([core, bytes]) => ({ core, bytes, note: '' })),
    ...Object.entries(staging).map(([core, bytes]) => ({ core, bytes, note: 'not yet whole' })),
  ];
  const columns = Math.max(20, ...rows.map(({ core }) => core.length));
  for (const { core, bytes, note } of rows.sort((a, b) => b.bytes - a.bytes)) {
    out.result(`${padded(core, columns)}  ${formatBytes(bytes).padStart(8)}  ${paint('dim', note)}`.trimEnd());
  }
  out.result(`${padded('journal and others', columns)}  ${formatBytes(otherBytes).padStart(8)}`);
  const free = freeBytes === null ? '' : `, ${formatBytes(freeBytes)} free`;
  out.result(`${padded('in all', columns)}  ${formatBytes(totalBytes).padStart(8)}  in ${settings.dir}${free}`);
  return { ...DONE, counts: { totalBytes } };
}
