/** As much of vitest as the suites use, for a page: it collects the sentences, and the one who bundled them says which is to be tried. */
import { chai, JestAsymmetricMatchers, JestChaiExpect, JestExtend } from '@vitest/expect';

chai.use(JestExtend);
chai.use(JestChaiExpect);
chai.use(JestAsymmetricMatchers);

export const expect = chai.expect;

export interface Sentence {
  readonly path: readonly string[];
  readonly isSkipped: boolean;
  readonly test: () => Promise<void>;
}

export const sentences: Sentence[] = [];
let path: readonly string[] = [];

export function describe(words: string, tell: () => void): void {
  const before = path;
  path = [...path, words];
  tell();
  path = before;
}

const collect =
  (isSkipped: boolean) =>
  (words: string, test: () => Promise<void>): void => {
    sentences.push({ path: [...path, words], isSkipped, test });
  };

export const it = Object.assign(collect(false), { skip: collect(true) });
