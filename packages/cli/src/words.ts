import type { FaultType, Status } from '@lading/core';
import { formatBytes } from './bytes.js';
import type { Paint } from './paint.js';

/** What people read instead of codes. The codes stay in `--json`. */
const FAULT_WORDS: Readonly<Record<FaultType, string>> = {
  networkTimeout: 'no answer in time',
  networkUnreachable: 'server not reachable',
  serverError: 'server error',
  notFound: 'file not found',
  unauthorized: 'not permitted',
  noSpace: 'disk full',
  checksumMismatch: 'wrong bytes',
  upstreamChanged: 'file was replaced at its source',
  filePermissions: 'no permission to write',
  interrupted: 'connection broke',
  stalled: 'server stopped sending',
  storageError: 'the disk refused',
  archiveInvalid: 'archive cannot be unpacked',
  manifestError: 'catalog is wrong',
  leaseHeld: 'in use by another process',
  unknown: 'unknown fault',
};

export const faultWords = (type: FaultType): string => FAULT_WORDS[type];

export function phaseColour(phase: Status['phase']): Paint {
  switch (phase) {
    case 'ready':
      return 'green';
    case 'failed':
    case 'unavailable':
      return 'red';
    case 'backingOff':
    case 'paused':
      return 'yellow';
    case 'absent':
    case 'queued':
    case 'waiting':
      return 'dim';
    default:
      return 'cyan';
  }
}

/** The wait until a time, in seconds: tenths below ten of them. */
export function waitWords(ms: number): string {
  const seconds = Math.max(0, ms) / 1000;
  return `${seconds < 9.95 ? seconds.toFixed(1) : Math.round(seconds)} s`;
}

function pauseWords(status: Status): string {
  if (status.reason === 'noSpace') {
    const { neededBytes, freeBytes } = status.fault ?? {};
    if (neededBytes === undefined || freeBytes === undefined) return 'paused: not enough space';
    return `paused: needs ${formatBytes(neededBytes)}, ${formatBytes(freeBytes)} are free`;
  }
  return 'paused';
}

const PLAIN_WORDS: Readonly<Partial<Record<Status['phase'], string>>> = {
  absent: 'not here',
  queued: 'waiting for a slot',
  preparing: 'preparing',
  downloading: 'downloading',
  verifying: 'verifying',
  extracting: 'unpacking',
  installing: 'installing',
  ready: 'ready',
  unavailable: 'unavailable: a core that it needs is gone',
  cancelling: 'cancelling',
  deleting: 'deleting',
};

const isPlain = (phase: string | null): phase is Status['phase'] => phase !== null && Object.hasOwn(PLAIN_WORDS, phase);

/** Phase and reason in words: `retrying in 4 s: connection broke`. `now` is the wall clock in milliseconds. */
export function statusWords(status: Status, now: number): string {
  const { phase, fault } = status;
  if (status.reason === 'journalBroken') return 'stopped: the journal cannot be written';
  switch (phase) {
    case 'waiting':
      if (status.reason === 'backingOff') return backoffWords(status, now);
      return isPlain(status.reason) ? (PLAIN_WORDS[status.reason] ?? status.reason) : 'waiting';
    case 'backingOff':
      return backoffWords(status, now);
    case 'paused':
      return pauseWords(status);
    case 'failed':
      return fault === null ? 'failed' : `failed: ${faultWords(fault.type)}`;
    case 'ready':
      if (status.isUpdateAvailable) return 'ready, update available';
      return status.warnings.length > 0 ? 'ready, weakly proven' : 'ready';
    default:
      return PLAIN_WORDS[phase] ?? phase;
  }
}

function backoffWords({ retryAt, fault }: Status, now: number): string {
  const why = fault === null ? '' : `: ${faultWords(fault.type)}`;
  return retryAt === null || retryAt <= now ? `retrying${why}` : `retrying in ${waitWords(retryAt - now)}${why}`;
}

export const plural = (count: number, one: string, many = `${one}s`): string => `${count} ${count === 1 ? one : many}`;
