import { randomBytes } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { errnoOf } from './fs-fault.js';

/** Who owns a depot. Written once, whole, and never changed while it is held. */
export interface Owner {
  readonly pid: number;
  /** Field 22 of `/proc/<pid>/stat`: tells a process from a later one of the same number. */
  readonly startTime: string | null;
  readonly bootId: string | null;
  readonly host: string;
  readonly pidNamespace: string | null;
  readonly epoch: number;
  /** Makes two leases of one process differ. */
  readonly nonce: string;
}

const quietly = <T>(read: () => T): T | null => {
  try {
    return read();
  } catch {
    return null;
  }
};

function startTimeOf(pid: number): { startTime: string; state: string } | null {
  const text = quietly(() => readFileSync(`/proc/${pid}/stat`, 'latin1'));
  if (text === null) return null;
  // The command may hold spaces and brackets: fields are counted behind the last bracket (proc(5)).
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return { state: fields[0] ?? '', startTime: fields[19] ?? '' };
}

/** One run of the machine; null where it is not told. */
export const bootId = (): string | null =>
  quietly(() => readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim());
const pidNamespace = (): string | null => quietly(() => readlinkSync('/proc/self/ns/pid'));

export function processExists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errnoOf(error) === 'EPERM';
  }
}

/**
 * Whether a process is dead. A number says something of it only in the boot and namespace it was given in: a host name may be another
 * machine's too. One of elsewhere counts as dead when it was silent for longer than is bearable.
 */
export function isGone(owner: Owner, silentMs: number, bearableMs: number): boolean {
  const isHere = owner.host === hostname() && owner.bootId === bootId() && owner.pidNamespace === pidNamespace();
  if (!isHere) return silentMs > bearableMs;
  if (!processExists(owner.pid)) return true;
  const running = startTimeOf(owner.pid);
  if (running === null || owner.startTime === null) return false;
  return running.startTime !== owner.startTime || running.state === 'Z' || running.state === 'X';
}

/** Null for a text that is no lease, such as an empty one. */
export function ownerIn(text: string): Owner | null {
  const value = quietly(() => JSON.parse(text) as unknown);
  return typeof value === 'object' && value !== null && 'pid' in value ? (value as Owner) : null;
}

export const nonceIn = (text: string): string | null => ownerIn(text)?.nonce ?? null;

/** This process as an owner. */
export function ownerHere(epoch: number): Owner {
  return {
    pid: process.pid,
    startTime: startTimeOf(process.pid)?.startTime ?? null,
    bootId: bootId(),
    host: hostname(),
    pidNamespace: pidNamespace(),
    epoch,
    nonce: randomBytes(8).toString('hex'),
  };
}

export const describeOwner = (owner: Owner | null): string =>
  owner === null ? 'an unknown process' : `process ${owner.pid} on ${owner.host}`;
