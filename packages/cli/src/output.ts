import { EXIT, type Problem, problemsOf } from './exit.js';
import { developed, type Paint, paint } from './paint.js';
import { jsonLine, printable } from './printable.js';

export interface OutputOptions {
  readonly isJson: boolean;
  readonly isQuiet: boolean;
  /** False if `--no-color` or `NO_COLOR` says so. */
  readonly mayColour: boolean;
}

/** A block of lines that is redrawn in place, at the end of stderr; it steps aside while something else is written there. */
export interface Block {
  hide(): void;
  show(): void;
}

/**
 * The one place that writes. With `--json` stdout holds records and nothing else, and stderr stays silent. Without it results go to stdout;
 * progress, notes and errors go to stderr. `--quiet` silences progress and notes.
 */
export class Output {
  readonly isJson: boolean;
  private readonly isQuiet: boolean;
  private readonly mayColour: boolean;
  private block: Block | null = null;
  private isClosed = false;

  constructor(
    options: OutputOptions,
    private readonly stdout: NodeJS.WriteStream = process.stdout,
    private readonly stderr: NodeJS.WriteStream = process.stderr,
  ) {
    this.isJson = options.isJson;
    this.isQuiet = options.isQuiet;
    this.mayColour = options.mayColour;
  }

  /** True where bars may be drawn: a person watches stderr, on a terminal that can move its cursor. */
  get isLive(): boolean {
    return this.hasNotes && this.stderr.isTTY === true && process.env['TERM'] !== 'dumb';
  }

  get hasNotes(): boolean {
    return !this.isJson && !this.isQuiet;
  }

  get columns(): number {
    return this.stderr.columns ?? 80;
  }

  get rows(): number {
    return this.stderr.rows ?? 24;
  }

  /** One record of `--json`; people do not see it. */
  record(type: string, fields: object): void {
    if (this.isJson && !this.isClosed) this.stdout.write(`${jsonLine({ type, ...fields })}\n`);
  }

  /** A line of what was asked for. */
  result(line = ''): void {
    if (!this.isJson) this.write(this.stdout, `${line}\n`);
  }

  /** A line beside what was asked for. */
  note(line = ''): void {
    if (this.hasNotes) this.aside(`${line}\n`);
  }

  /** What happened, then what to do about it; one record for each defect of a refused manifest. */
  problem(error: unknown, type: 'error' | 'failed' = 'error', fields: object = {}): Problem {
    const problems = problemsOf(error);
    for (const problem of problems) this.record(type, { ...fields, ...problem });
    if (!this.isJson) {
      // The error's own text names all defects already, with one remedy for them.
      const message = problems.length === 1 ? problems[0].message : String((error as Error).message);
      this.aside(`${paint('red', 'error:')} ${message}\n${this.tinted('dim', problems[0].remedy)}\n`);
    }
    return problems[0];
  }

  /** The last record of every run. */
  end(exitCode: number, counts: object): void {
    this.record('result', { ok: exitCode === EXIT.done, exitCode, ...counts });
    this.isClosed = true;
  }

  /** Escape codes that move the cursor, for a live block only. */
  draw(codes: string, lines: readonly string[]): void {
    if (!this.isClosed)
      this.stderr.write(codes + lines.map((line) => `${this.safe(this.stderr, line)}\u001b[K\n`).join(''));
  }

  attach(block: Block | null): void {
    this.block = block;
  }

  private aside(text: string): void {
    this.block?.hide();
    this.write(this.stderr, text);
    this.block?.show();
  }

  private write(stream: NodeJS.WriteStream, text: string): void {
    if (!this.isClosed) stream.write(this.safe(stream, text));
  }

  private tinted(colour: Paint, text: string): string {
    return text
      .split('\n')
      .map((line) => paint(colour, line))
      .join('\n');
  }

  private safe(stream: NodeJS.WriteStream, text: string): string {
    return developed(printable(text), this.mayColour && stream.isTTY === true);
  }

  /** Resolves when the system has taken everything. */
  async flush(): Promise<void> {
    const flushed = (stream: NodeJS.WriteStream) => new Promise<void>((resolve) => stream.write('', () => resolve()));
    await Promise.all([flushed(this.stdout), flushed(this.stderr)]);
  }
}
