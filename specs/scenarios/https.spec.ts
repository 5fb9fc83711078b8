/** The rows of `http-rows.ts` once more, over TLS, and those that only TLS has. */
import { afterAll, beforeAll, describe, it } from 'vitest';
import { type Identity, makeIdentity, trusting } from '../origin/identity.js';
import { parts, play, replies, slow, whole } from './http-rows.js';

let identity: Identity;
let trust: Disposable;

beforeAll(async () => {
  identity = await makeIdentity();
  trust = trusting(identity);
});
afterAll(() => trust[Symbol.dispose]());

describe('over TLS, a server that answers with the whole', () => {
  it.concurrent.each(whole)('$name', (row) => play(row, identity));
});

describe('over TLS, a server that is asked for the rest', () => {
  it.concurrent.each(parts)('$name', (row) => play(row, identity));
});

describe('over TLS, a server that answers otherwise', () => {
  it.concurrent.each(replies)('$name', (row) => play(row, identity));
});

describe('over TLS, a server that does not move', () => {
  it.concurrent.each(slow)('$name', (row) => play(row, identity));
});
