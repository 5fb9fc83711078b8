import type { StagedFile } from '@lading/runtime';
import { describe, expect, it } from 'vitest';
import { Descriptors, onceDescriptorFree } from './descriptors.js';

/** So many that two files may be staged at once. */
const FOR_TWO = 34;
const file = () => ({ close: async () => undefined }) as StagedFile;

describe('the budget of descriptors', () => {
  it('fs errors: lets a file wait until another is closed, in the order of coming', async () => {
    const budget = new Descriptors(FOR_TWO);
    const [first, second] = [await budget.stage(async () => file()), await budget.stage(async () => file())];
    const order: string[] = [];
    const third = budget.stage(async () => file()).then(() => order.push('third'));
    const fourth = budget.stage(async () => file()).then(() => order.push('fourth'));
    await new Promise(setImmediate);
    expect(order).toEqual([]);
    await second.close();
    // Closing twice gives one place.
    await second.close();
    await third;
    await new Promise(setImmediate);
    expect(order).toEqual(['third']);
    await first.close();
    await fourth;
  });

  it('fs errors: gives the place back when opening or closing fails', async () => {
    const budget = new Descriptors(0);
    const refuse = () => Promise.reject(new Error('no'));
    await expect(budget.stage(refuse)).rejects.toThrow('no');
    const bad = await budget.stage(async () => ({ close: refuse }) as unknown as StagedFile);
    await expect(bad.close()).rejects.toThrow('no');
    await (await budget.stage(async () => file())).close();
  });
});

it.each(['EMFILE', 'ENFILE', 'EINTR'])('fs errors: %s is waited out, not told', async (code) => {
  let tries = 0;
  const opened = await onceDescriptorFree(async () => {
    if (++tries < 4) throw Object.assign(new Error(code), { code });
    return 'open';
  });
  expect([opened, tries]).toEqual(['open', 4]);
});
