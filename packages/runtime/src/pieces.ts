import type { FileSpec, Range } from '@lading/core';
import { covers, overlaps } from '@lading/core';
import type { StagedFile } from './ports.js';

export interface BadPiece {
  readonly index: number;
  readonly range: Range;
  readonly expected: string;
  readonly found: string;
}

/**
 * The pieces of a file, each with a digest of its own: what turns out wrong is one piece and not the file. They are those of the first content
 * that the manifest names; where others are accepted too, only a whole file tells which one came.
 */
export class Pieces {
  readonly bad: BadPiece[] = [];
  private readonly good = new Set<number>();
  private checking: Promise<void> = Promise.resolve();
  /** Rises when all is dropped: what was to be checked before is not there any more. */
  private life = 0;

  private constructor(
    private readonly sizeBytes: number,
    private readonly pieceBytes: number,
    private readonly digests: readonly string[],
    private readonly staged: StagedFile,
    /** Whether a piece may be judged before the file is whole. */
    readonly isEager: boolean,
    private readonly signal: AbortSignal,
  ) {}

  static of({ pieces, contents }: FileSpec, staged: StagedFile, signal: AbortSignal): Pieces | null {
    if (pieces === null) return null;
    return new Pieces(contents[0].sizeBytes, pieces.sizeBytes, pieces.sha256, staged, contents.length === 1, signal);
  }

  private rangeOf(index: number): Range {
    const from = index * this.pieceBytes;
    return { from, to: Math.min(from + this.pieceBytes, this.sizeBytes) };
  }

  /** Checks, one after the other and in the background, the pieces that a range touches and that are whole by now. */
  look({ from, to }: Range): void {
    const last = Math.min(this.digests.length, Math.ceil(to / this.pieceBytes));
    for (let index = Math.floor(from / this.pieceBytes); index < last; index++) {
      if (this.good.has(index) || !covers(this.staged.held, this.rangeOf(index))) continue;
      this.good.add(index);
      const { life } = this;
      const next = this.checking.then(() => this.check(index, life));
      this.checking = next;
      // Whoever waits for the checks is told.
      next.catch(() => undefined);
    }
  }

  lookAtAll(): void {
    this.look({ from: 0, to: this.sizeBytes });
  }

  private async check(index: number, life: number): Promise<void> {
    const isVoid = (): boolean => life !== this.life || this.signal.aborted || !this.good.has(index);
    if (isVoid()) return;
    const range = this.rangeOf(index);
    let found: string;
    try {
      found = await this.staged.sha256(range);
    } catch (error) {
      // What was dropped meanwhile cannot be read.
      if (isVoid()) return;
      throw error;
    }
    const expected = this.digests[index] ?? '';
    if (found === expected || isVoid()) return;
    this.good.delete(index);
    this.bad.push({ index, range, expected, found });
  }

  /** What is about to be dropped is not proven, nor wrong, any more. */
  forget(range: Range | 'all'): void {
    if (range === 'all') {
      this.life++;
      this.good.clear();
      this.bad.length = 0;
      return;
    }
    for (const index of [...this.good]) if (overlaps([this.rangeOf(index)], range)) this.good.delete(index);
  }

  /** Resolves with the pieces found bad since it was last asked, when all checks under way have ended. */
  async settle(): Promise<readonly BadPiece[]> {
    await this.checking;
    return this.bad.splice(0);
  }
}
