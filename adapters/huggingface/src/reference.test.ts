import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { coreIdOf, type Reference, readReference, referenceOfCore, textOf } from './reference.js';

const read = (text: string): Reference => {
  const reading = readReference(text);
  if (!reading.ok) throw new Error(reading.reason);
  return reading.reference;
};

const name = fc
  .stringMatching(/^[A-Za-z0-9_]([A-Za-z0-9._-]{0,20}[A-Za-z0-9_])?$/)
  .filter((text) => !/^(datasets|spaces|models)$/.test(text));
const revision = fc
  .stringMatching(/^[A-Za-z0-9_][A-Za-z0-9._/+-]{0,20}$/)
  .filter((text) => !/\.\.|\/$|\/\//.test(text));
const segment = fc
  .string({ minLength: 1, maxLength: 12, unit: 'grapheme' })
  // biome-ignore lint/suspicious/noControlCharactersInRegex: what no path may hold is what is left out.
  .filter((text) => !/^\.{1,2}$|[\u0000-\u001f\u007f/\\]/.test(text));
const reference = fc.record({
  owner: name,
  repo: name,
  revision,
  path: fc.array(segment, { minLength: 1, maxLength: 4 }).map((segments) => segments.join('/')),
});

describe('a reference', () => {
  it('names owner, repository, revision and path', () => {
    expect(read('hf://onnx-community/Kokoro-82M-v1.0-ONNX@main/onnx/model.onnx')).toEqual({
      owner: 'onnx-community',
      repo: 'Kokoro-82M-v1.0-ONNX',
      revision: 'main',
      path: 'onnx/model.onnx',
    });
  });

  it('means the main branch where it names no revision', () => {
    expect(read('hf://a/b/c.bin').revision).toBe('main');
  });

  it('may hold what is percent-encoded, such as the slash of a revision', () => {
    expect(read('hf://a/b@refs%2Fpr%2F1/x%20y.bin')).toMatchObject({ revision: 'refs/pr/1', path: 'x y.bin' });
  });

  it.each([
    'https://huggingface.co/a/b/resolve/main/c',
    'hf://a/b',
    'hf://a/b@main/',
    'hf://a',
    'hf:///b/c',
    'hf://datasets/a/b/c',
    'hf://a/b@/c',
    'hf://a/b@main@v1/c',
    'hf://a/b@../c',
    'hf://a/b@x%2F%2Fy/c',
    'hf://a/b@main/../c',
    'hf://a/b@main/x/%2e%2e/c',
    'hf://a/b@main/x//c',
    'hf://a/b@main/%2e',
    'hf://a/b@main/x%2Fy',
    'hf://a/b@main/x%00y',
    'hf://a/b@main/%zz',
    'hf://a/b@main/c?token=x',
    'hf://a/b@main/c#x',
    'hf://u:p@a/b/c',
    'hf://.a/b/c',
    'hf://a/b-/c',
    `hf://a/b@main/${'x'.repeat(1100)}`,
  ])('is not %s', (text) => {
    expect(readReference(text).ok).toBe(false);
  });

  it('is written as it is read, and its id leads back to it and to nothing else', () => {
    const ids = new Map<string, string>();
    fc.assert(
      fc.property(reference, (each) => {
        expect(read(textOf(each))).toEqual(each);
        const id = coreIdOf(each);
        expect(id).toMatch(/^[A-Za-z0-9._+@=-]+$/);
        expect(referenceOfCore(id)).toEqual(each);
        expect(ids.get(id) ?? textOf(each)).toBe(textOf(each));
        ids.set(id, textOf(each));
      }),
    );
    expect(ids.size).toBeGreaterThan(50);
  });

  it('is in no id of another kind', () => {
    for (const id of ['hf', 'hf+a+b', 'hf+a+b@main', 'kokoro', 'hf+a+b@main+%41', 'hf+a+b@main+=41', 'xf+a+b@main+c']) {
      expect(referenceOfCore(id)).toBeNull();
    }
  });
});
