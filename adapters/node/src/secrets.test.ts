import { FaultError } from '@lading/runtime';
import { expect, it } from 'vitest';
import { Secrets } from './secrets.js';

const TOKEN = 's3cret/token';
const secrets = new Secrets({ 'http://x': { 'x-key': TOKEN } });

/** What is handed on of a body that comes in chunks of a size, and whether it was ended. */
async function watched(text: string, size: number): Promise<{ passed: string; isEnded: boolean }> {
  const bytes = Buffer.from(text);
  async function* body() {
    for (let at = 0; at < bytes.length; at += size) yield new Uint8Array(bytes.subarray(at, at + size));
  }
  let passed = '';
  try {
    for await (const chunk of secrets.watch(body(), 'x')) passed += Buffer.from(chunk).toString();
    return { passed, isEnded: false };
  } catch (error) {
    if (!(error instanceof FaultError)) throw error;
    return { passed, isEnded: true };
  }
}

it('a secret is found however the chunks cut it, and never handed on whole', async () => {
  for (let size = 1; size <= 40; size++) {
    for (const before of ['', 'a', 'x'.repeat(37)]) {
      const { passed, isEnded } = await watched(`${before}${TOKEN} and more of it`, size);
      expect(isEnded, `${size} ${before.length}`).toBe(true);
      expect(passed).not.toContain(TOKEN);
    }
  }
});

it('what only resembles a secret goes through, byte by byte', async () => {
  const text = `${TOKEN.slice(0, -1)} ${TOKEN.slice(1)} ${TOKEN.replace('/', '|')}`;
  for (let size = 1; size <= 40; size++) expect(await watched(text, size)).toEqual({ passed: text, isEnded: false });
});
