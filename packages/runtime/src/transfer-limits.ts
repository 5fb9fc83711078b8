const MIB = 1024 * 1024;

/** The bounds of transfers: what runs at once, what a crash may cost. Each in one place, so that a simulated world can have tiny ones. */
export interface TransferLimits {
  /** Files of one core that are fetched at once. */
  readonly filesAtOnce: number;
  /** Requests that one origin has under way at once, of all files together. */
  readonly connectionsPerOrigin: number;
  /** What one request of several asks for, bytes. */
  readonly segmentBytes: number;
  /** A file of which so much is missing may have several requests under way, bytes. */
  readonly parallelFromBytes: number;
  /** A durable offset each so many bytes of a core, for each connection that brings some of the same file, or each so many milliseconds. */
  readonly checkpointBytes: number;
  /** And of all of them together: much below what may be ahead, because enough must have come for the next sync when one ends, or the disk stands still. */
  readonly mostCheckpointBytes: number;
  readonly checkpointMs: number;
  /** Bytes that may be ahead of what is durable and recorded, likewise: what a crash may cost, with what was just being read, is below 8 MiB for each. */
  readonly aheadBytes: number;
  /** The same where what is stored outlives the program: what a power cut may cost. A disk and a network that pause by turns need as much between them. */
  readonly aheadStoredBytes: number;
}

export const TRANSFER_LIMITS: TransferLimits = {
  filesAtOnce: 4,
  connectionsPerOrigin: 8,
  segmentBytes: 16 * MIB,
  parallelFromBytes: 32 * MIB,
  checkpointBytes: 4 * MIB,
  mostCheckpointBytes: 16 * MIB,
  checkpointMs: 1_000,
  aheadBytes: 7 * MIB,
  aheadStoredBytes: 24 * MIB,
};
