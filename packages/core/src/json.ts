import { type Defect, pathOf } from './defect.js';
import { LIMITS } from './limits.js';

/**
 * Reads JSON text strictly (RFC 8259): what `JSON.parse` lets pass in silence is a defect here. Repeated keys (it keeps the last), keys that
 * change prototypes, numbers that cannot be represented, and nesting that exhausts the stack are all named with their place.
 */
export type JsonReading =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly defects: readonly Defect[] };

const FORBIDDEN_KEYS: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
// biome-ignore lint/suspicious/noControlCharactersInRegex: JSON forbids control characters inside strings (RFC 8259 §7).
const PLAIN_RUN = /[^"\\\u0000-\u001f]*/y;
const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;

/** From this length on a slice may be a window on the whole text, which lives as long as it does. */
const PART_LENGTH = 12;

class Malformed {
  constructor(
    readonly offset: number,
    readonly message: string,
  ) {}
}

class Reader {
  private at = 0;
  private values = 0;
  private containers = 0;
  private readonly keys: (string | number)[] = [];
  private readonly strings = new Map<string, string>();
  readonly defects: Defect[] = [];

  constructor(private readonly text: string) {}

  document(): unknown {
    const value = this.value(0);
    this.space();
    if (this.at < this.text.length) this.fail('expected the end of the text');
    return value;
  }

  private fail(message: string): never {
    throw new Malformed(this.at, message);
  }

  private note(path: string, message: string): void {
    if (this.defects.length < LIMITS.manifestDefects) this.defects.push({ path, message });
  }

  private space(): void {
    for (;;) {
      const code = this.text.charCodeAt(this.at);
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return;
      this.at++;
    }
  }

  /** Where we are; made only when there is something to say. */
  private get path(): string {
    return this.keys.reduce<string>(pathOf, '$');
  }

  private value(depth: number): unknown {
    if (++this.values > LIMITS.jsonValues) this.fail(`more than ${LIMITS.jsonValues} values`);
    if (depth > LIMITS.jsonDepth) this.fail(`nested deeper than ${LIMITS.jsonDepth} levels`);
    this.space();
    const first = this.text[this.at];
    if ((first === '{' || first === '[') && ++this.containers > LIMITS.jsonContainers) {
      this.fail(`more than ${LIMITS.jsonContainers} objects and arrays`);
    }
    switch (first) {
      case '{':
        return this.object(depth);
      case '[':
        return this.array(depth);
      case '"':
        return this.string();
      case 't':
        return this.word('true', true);
      case 'f':
        return this.word('false', false);
      case 'n':
        return this.word('null', null);
      default:
        return this.number();
    }
  }

  private word<T>(word: string, value: T): T {
    if (!this.text.startsWith(word, this.at)) this.fail('expected a value');
    this.at += word.length;
    return value;
  }

  private number(): number {
    NUMBER.lastIndex = this.at;
    const match = NUMBER.exec(this.text);
    if (match === null) this.fail(this.at >= this.text.length ? 'unexpected end of the text' : 'expected a value');
    this.at += match[0].length;
    const value = Number(match[0]);
    const isExact = Number.isFinite(value) && (Number.isSafeInteger(value) || !Number.isInteger(value));
    if (!isExact) this.note(this.path, `the number ${match[0].slice(0, 40)} is too large to be exact`);
    return value;
  }

  /** Run by run: one pattern for the whole string would hold a stack frame for each escape, and a long string would exhaust the stack. */
  private string(): string {
    const start = this.at;
    let isEscaped = false;
    for (let at = start + 1; ; at = ESCAPE.lastIndex) {
      PLAIN_RUN.lastIndex = at;
      PLAIN_RUN.test(this.text);
      const end = PLAIN_RUN.lastIndex;
      if (this.text[end] === '"') {
        this.at = end + 1;
        const raw = this.text.slice(start, this.at);
        return this.once(isEscaped || raw.length > PART_LENGTH ? (JSON.parse(raw) as string) : raw.slice(1, -1));
      }
      isEscaped = true;
      ESCAPE.lastIndex = end;
      if (!ESCAPE.test(this.text))
        return this.fail('this string does not end, or holds a control character or a bad escape');
    }
  }

  /** The same words come again and again, and a manifest is kept for long: each once. */
  private once(text: string): string {
    const known = this.strings.get(text);
    if (known !== undefined) return known;
    this.strings.set(text, text);
    return text;
  }

  private array(depth: number): unknown[] {
    const items: unknown[] = [];
    this.at++;
    this.space();
    if (this.text[this.at] === ']') {
      this.at++;
      return items;
    }
    for (;;) {
      this.keys.push(items.length);
      items.push(this.value(depth + 1));
      this.keys.pop();
      this.space();
      const next = this.text[this.at];
      if (next !== ',' && next !== ']') this.fail('expected "," or "]"');
      this.at++;
      if (next === ']') return items;
    }
  }

  private object(depth: number): Record<string, unknown> {
    const object: Record<string, unknown> = {};
    this.at++;
    this.space();
    if (this.text[this.at] === '}') {
      this.at++;
      return object;
    }
    for (;;) {
      this.space();
      if (this.text[this.at] !== '"') this.fail('expected a key in double quotes');
      const key = this.string();
      this.keys.push(key);
      const isForbidden = FORBIDDEN_KEYS.has(key);
      if (isForbidden) this.note(this.path, `the key "${key}" is not allowed`);
      else if (Object.hasOwn(object, key)) this.note(this.path, 'the key is repeated');
      this.space();
      if (this.text[this.at] !== ':') this.fail('expected ":"');
      this.at++;
      const value = this.value(depth + 1);
      if (!isForbidden) object[key] = value;
      this.keys.pop();
      this.space();
      const next = this.text[this.at];
      if (next !== ',' && next !== '}') this.fail('expected "," or "}"');
      this.at++;
      if (next === '}') return object;
    }
  }
}

function placeOf(text: string, offset: number): string {
  const before = text.slice(0, offset);
  const line = before.split('\n').length;
  const column = offset - before.lastIndexOf('\n');
  return `position ${offset} (line ${line}, column ${column})`;
}

export function readJson(text: string): JsonReading {
  const body = text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
  const reader = new Reader(body);
  try {
    const value = reader.document();
    return reader.defects.length === 0 ? { ok: true, value } : { ok: false, defects: reader.defects };
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    const found = error.offset >= body.length ? 'the end' : JSON.stringify(body.slice(error.offset, error.offset + 12));
    const message = `this is no JSON: ${error.message} at ${placeOf(body, error.offset)}, found ${found}`;
    return { ok: false, defects: [...reader.defects, { path: '$', message }] };
  }
}
