import { tmpdir } from 'node:os';
import { describe, expect, it } from 'vitest';
import { fsFault } from './fs-fault.js';

const error = (code: string, errno = -1) => Object.assign(new Error(`${code}: something`), { code, errno });

describe('what the system says', () => {
  it.each([
    ['ENOSPC', 'noSpace'],
    ['EFBIG', 'noSpace'],
    ['EROFS', 'filePermissions'],
    ['EACCES', 'filePermissions'],
    ['EPERM', 'filePermissions'],
    ['ENAMETOOLONG', 'manifestError'],
    ['EIO', 'storageError'],
    ['EMFILE', 'storageError'],
    ['ENFILE', 'storageError'],
    ['EXDEV', 'storageError'],
  ])('fs errors: %s is a fault of type %s, with the code as its detail', (code, type) => {
    expect(fsFault(error(code), 'write', '/x/y').fault).toMatchObject({ type, detail: code });
  });

  it('fs errors: EDQUOT, which has no name in Node 20, is told by its number and is no space', () => {
    const { fault } = fsFault(error('Unknown system error -122', -122), 'write', tmpdir(), 4_096);
    expect(fault).toMatchObject({ type: 'noSpace', detail: 'EDQUOT', neededBytes: 4_096 });
    expect(fault.freeBytes).toBeGreaterThan(0);
  });

  it('fs errors: a code that nobody knows is unknown, and told as it came', () => {
    expect(fsFault(error('EWEIRD'), 'write', '/x/y').fault).toMatchObject({
      type: 'unknown',
      detail: 'EWEIRD',
      message: 'cannot write /x/y: EWEIRD: something',
    });
  });
});
