/**
 * Restrained colour. A painted text carries noncharacters of Unicode instead of escape codes; only the sink turns them into codes, or into
 * nothing. So every other escape can be taken out of a line without looking where it came from.
 */
const CODES = {
  bold: ['\ufdd0', '\u001b[1m'],
  dim: ['\ufdd1', '\u001b[2m'],
  red: ['\ufdd2', '\u001b[31m'],
  green: ['\ufdd3', '\u001b[32m'],
  yellow: ['\ufdd4', '\u001b[33m'],
  cyan: ['\ufdd5', '\u001b[36m'],
} as const;
const RESET = ['\ufdef', '\u001b[0m'] as const;

export type Paint = keyof typeof CODES;

const CODE_OF: ReadonlyMap<string, string> = new Map([...Object.values(CODES), RESET]);

export function paint(colour: Paint, text: string): string {
  return text === '' ? '' : `${CODES[colour][0]}${text}${RESET[0]}`;
}

/** Turns the marks into escape codes, or takes them out. */
export function developed(text: string, isColoured: boolean): string {
  return text.replace(/[\ufdd0-\ufdef]/g, (mark) => (isColoured ? (CODE_OF.get(mark) ?? '') : ''));
}

/** Colour only if nobody objects (no-color.org); the sink asks for a terminal besides. */
export function mayColour(flags: { readonly color?: boolean }, env: NodeJS.ProcessEnv): boolean {
  return flags.color !== false && !env['NO_COLOR'];
}
