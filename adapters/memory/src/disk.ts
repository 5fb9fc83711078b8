import type { Ranges } from '@lading/core';
import { Volume } from 'memfs';
import { DiskError } from './fs-fault.js';
import { childOf, Durable } from './power.js';
import { MemoryProcess } from './process.js';

export type DiskAction = 'read' | 'write' | 'sync' | 'rename' | 'remove' | 'make';

/** What shall go wrong on a disk. */
export interface DiskFault {
  readonly action: DiskAction;
  /** Paths it concerns; default all. */
  readonly path?: RegExp;
  /** The system's code: `ENOSPC`, `EIO`, `EACCES`. */
  readonly code: string;
  /** Times it happens; default once. */
  readonly times?: number;
  /** Actions of this kind that still go well before it begins; default 0. */
  readonly after?: number;
}

/**
 * A disk that outlives the processes which use it. A memfs volume, and what memfs does not know: what survives a power cut, how much room there
 * is, faults on demand, and which processes live.
 */
export class MemoryDisk {
  volume = new Volume();
  durable = new Durable(this.volume);
  /** Bytes that files may take up together. */
  capacityBytes = Number.POSITIVE_INFINITY;
  private readonly processes = new Map<number, MemoryProcess>();
  private faults: { fault: DiskFault; after: number; times: number }[] = [];
  /** What `files` has found, by the path asked for, until something changes there: laws look at a disk far more often than it changes. */
  private readonly seen = new Map<string, ReadonlyMap<string, Uint8Array>>();
  /** What of a staged file is stored, by its path and for that very file: for whoever comes after a kill, not after a power cut. */
  readonly written = new Map<string, { readonly ino: number; readonly held: Ranges }>();
  private shortWrites: { readonly path: RegExp; times: number }[] = [];

  start(): MemoryProcess {
    const process = new MemoryProcess(this.processes.size + 1);
    this.processes.set(process.pid, process);
    return process;
  }

  isRunning(pid: number): boolean {
    return this.processes.get(pid)?.isAlive ?? false;
  }

  /** Ends every process at once. What they had written stays: the cache of the system survives. */
  crash(): void {
    for (const process of this.processes.values()) process.kill();
  }

  /**
   * Ends every process, and forgets what was not synced: bytes of files, names in folders. With `luck` some of it survives after all, in
   * whatever combination, or as zeros.
   */
  cutPower(luck: (() => number) | null = null): void {
    this.crash();
    this.written.clear();
    this.seen.clear();
    this.volume = this.durable.afterPowerCut(luck);
    this.durable = new Durable(this.volume);
    this.durable.settle();
  }

  fail(fault: DiskFault): void {
    this.faults.push({ fault, after: fault.after ?? 0, times: fault.times ?? 1 });
  }

  /** The next writes to such paths take half of what they are given, and call that no error. */
  shorten(times: number, path: RegExp = /./): void {
    this.shortWrites.push({ path, times });
  }

  isShort(path: string): boolean {
    const order = this.shortWrites.find((each) => each.times > 0 && each.path.test(path));
    if (order === undefined) return false;
    order.times--;
    return true;
  }

  /** Nothing goes wrong any more. */
  heal(): void {
    this.faults = [];
    this.shortWrites = [];
  }

  /** Throws what was ordered to go wrong here. */
  judge(action: DiskAction, path: string): void {
    for (const order of this.faults) {
      if (order.fault.action !== action || !(order.fault.path?.test(path) ?? true)) continue;
      if (order.after-- > 0) continue;
      if (order.times-- <= 0) continue;
      throw new DiskError(order.fault.code, `${order.fault.code}: ${action} ${path}`);
    }
  }

  /** Bytes of all files. */
  usedBytes(path = '/'): number {
    const stat = this.volume.lstatSync(path);
    if (!stat.isDirectory()) return Number(stat.size);
    return (this.volume.readdirSync(path) as string[]).reduce(
      (sum, name) => sum + this.usedBytes(childOf(path, name)),
      0,
    );
  }

  freeBytes(): number {
    return this.capacityBytes === Number.POSITIVE_INFINITY
      ? this.capacityBytes
      : Math.max(0, this.capacityBytes - this.usedBytes());
  }

  /** Regular files below a folder with their contents, by path; for looking at a disk from outside. */
  files(path = '/'): ReadonlyMap<string, Uint8Array> {
    const known = this.seen.get(path);
    if (known !== undefined) return known;
    const found = new Map<string, Uint8Array>();
    if (this.volume.existsSync(path)) this.gather(path, found);
    this.seen.set(path, found);
    return found;
  }

  private gather(path: string, found: Map<string, Uint8Array>): void {
    if (this.volume.lstatSync(path).isDirectory())
      for (const name of (this.volume.readdirSync(path) as string[]).sort()) this.gather(childOf(path, name), found);
    else found.set(path, new Uint8Array(this.volume.readFileSync(path) as Uint8Array));
  }

  /** Something below or above this path is not what it was. */
  changed(path: string): void {
    for (const seen of this.seen.keys())
      if (seen === '/' || path.startsWith(seen) || seen.startsWith(path)) this.seen.delete(seen);
  }

  /** Changes a file behind everybody's back, as a failing disk or a person does. */
  overwrite(path: string, bytes: Uint8Array): void {
    this.volume.writeFileSync(path, bytes);
    this.durable.syncFile(path);
    this.changed(path);
  }

  /** Takes a file away behind everybody's back, for good. */
  lose(path: string): void {
    this.durable.forget(path);
    this.volume.rmSync(path);
    this.durable.syncFolder(path.slice(0, path.lastIndexOf('/')) || '/');
    this.changed(path);
  }
}
