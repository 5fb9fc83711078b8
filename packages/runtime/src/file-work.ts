import { bytesIn, type Fault, type FileSpec } from '@lading/core';
import type { Connections } from './connections.js';
import type { DurableOffsets, Identity } from './durable-offsets.js';
import type { Job } from './job.js';
import type { Manners } from './manners.js';
import type { Meter } from './meter.js';
import type { Patrol } from './patrol.js';
import type { Pieces } from './pieces.js';
import type { Ports, StagedFile } from './ports.js';
import type { Throttle } from './throttle.js';
import type { TransferLimits } from './transfer-limits.js';

export interface TransferPorts extends Pick<Ports, 'fetcher' | 'store' | 'clock'> {
  readonly stallMs: number;
  readonly patrol: Patrol;
  readonly throttle: Throttle;
  readonly manners: Manners;
  readonly connections: Connections;
  readonly limits: TransferLimits;
}

/** A file in work: what its transfer from any source needs. */
export interface FileWork {
  readonly ports: TransferPorts;
  readonly meter: Meter;
  readonly job: Job;
  readonly spec: FileSpec;
  /** That it may have. */
  readonly sizes: readonly number[];
  readonly mostBytes: number;
  readonly staged: StagedFile;
  readonly offsets: DurableOffsets;
  readonly identity: Identity;
  readonly pieces: Pieces | null;
  /** What the last reply said it was, and how it began if that was a page, for a message. */
  readonly look: { contentType: string; head: Uint8Array };
  /** Sources that led to an expired address, and the number of their requests when another one was asked for. */
  readonly renewed: Map<string, number>;
}

/** Where a file was expected: a sign-in page, an error. */
export const isPage = (contentType: string): boolean => /html/i.test(contentType);

/** Drops all that is staged, and what was counted of it. */
export async function startOver({ meter, job, staged, offsets, identity, pieces }: FileWork): Promise<void> {
  pieces?.forget('all');
  meter.add(job.core, -bytesIn(staged.held));
  await offsets.drop('all');
  identity.validator = null;
  identity.origin = null;
}

/** Faults that are none of a source: another connection, or another source, would not help. */
export const OURS: ReadonlySet<Fault['type']> = new Set(['noSpace', 'filePermissions', 'storageError', 'unknown']);
