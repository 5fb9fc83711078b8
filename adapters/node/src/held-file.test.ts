import { expect, it } from 'vitest';
import { onceLetGo } from './held-file.js';

/** Time that goes by as it is waited for. */
function virtual() {
  const pauses: number[] = [];
  let now = 0;
  return {
    pauses,
    now: () => now,
    pause: async (ms: number) => {
      pauses.push(ms);
      now += ms;
    },
  };
}

const fails = (code: string, times: number) => {
  let left = times;
  return async () => {
    if (left-- > 0) throw Object.assign(new Error(`${code}: operation not permitted, rename`), { code });
    return 'moved';
  };
};

it.each(['EPERM', 'EACCES', 'EBUSY'])(
  'fs errors: on Windows a file that somebody holds (%s) is moved once it is let go, asked after 10 ms first and every 100 ms at most',
  async (code) => {
    const pace = virtual();
    expect(await onceLetGo(fails(code, 6), 'win32', pace)).toBe('moved');
    expect(pace.pauses).toEqual([10, 20, 40, 80, 100, 100]);
  },
);

it('fs errors: on Windows a file that is held for more than a minute is told, and no later', async () => {
  const pace = virtual();
  await expect(onceLetGo(fails('EBUSY', Number.POSITIVE_INFINITY), 'win32', pace)).rejects.toThrow('EBUSY');
  expect(pace.now()).toBeGreaterThan(59_000);
  expect(pace.now()).toBeLessThanOrEqual(60_000);
});

it.each([
  ['win32', 'ENOSPC'],
  ['win32', 'ENOENT'],
  ['win32', 'EXDEV'],
  ['linux', 'EPERM'],
  ['darwin', 'EACCES'],
  ['linux', 'EBUSY'],
] as const)('fs errors: a move is tried once where waiting would change nothing: %s, %s', async (platform, code) => {
  const pace = virtual();
  await expect(onceLetGo(fails(code, 1), platform, pace)).rejects.toThrow(code);
  expect(pace.pauses).toEqual([]);
});
