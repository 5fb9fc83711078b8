import type { Checkpoint, CoreSpec, InstalledFile } from '@lading/core';

/** A file that is whole and proven. */
export interface Proven extends InstalledFile {
  /** What vouches for it. */
  readonly proof: 'strong' | 'weak' | 'size';
}

/** The work on one core under one ticket: from preparing to installing, or until it is ended. */
export class Job {
  private readonly controller = new AbortController();
  readonly signal: AbortSignal;
  /** Files that are whole and proven so far. */
  readonly proven = new Map<string, Proven>();
  /** What was unpacked, for an archive. */
  extracted: readonly InstalledFile[] | null = null;

  constructor(
    readonly core: string,
    readonly ticket: number,
    readonly spec: CoreSpec,
    /** Durable bytes per file when the job began. */
    public durable: Readonly<Record<string, Checkpoint>>,
    /** Failures so far: which source is asked first, and whether caches are passed over. */
    readonly tries: { readonly attempt: number; readonly strikes: number },
    signal?: AbortSignal,
  ) {
    this.signal = signal ?? this.controller.signal;
  }

  /** The same job for a part of it that may end before the whole does. */
  within(signal: AbortSignal): Job {
    return new Job(this.core, this.ticket, this.spec, this.durable, this.tries, AbortSignal.any([this.signal, signal]));
  }

  end(): void {
    this.controller.abort(new JobEnded());
  }
}

/** The reason a job's signal carries: nothing failed, it was told to stop. */
export class JobEnded extends Error {
  override readonly name = 'JobEnded';
}
