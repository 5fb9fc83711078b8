import {
  errorOfFault,
  errorOfRefusal,
  FAULT_TYPES,
  type Fault,
  InitializationError,
  REFUSAL_CODES,
} from '@lading/core';
import { describe, expect, it } from 'vitest';
import { exitCodeOf, exitCodeOfSignal, problemsOf, UsageError } from './exit.js';

const fault = (type: Fault['type'], more: Partial<Fault> = {}): Fault => ({ type, detail: 'd', message: 'm', ...more });

describe('exit codes', () => {
  it('tell every fault of the design apart', () => {
    const codes = Object.fromEntries(
      FAULT_TYPES.map((type) => [type, exitCodeOf(problemsOf(errorOfFault(fault(type), 'x'))[0].code)]),
    );
    expect(codes).toEqual({
      networkTimeout: 6,
      networkUnreachable: 6,
      serverError: 6,
      notFound: 6,
      unauthorized: 6,
      noSpace: 5,
      checksumMismatch: 4,
      upstreamChanged: 4,
      filePermissions: 1,
      interrupted: 6,
      stalled: 6,
      storageError: 1,
      archiveInvalid: 1,
      manifestError: 1,
      leaseHeld: 7,
      unknown: 1,
    });
  });

  it('tell an unknown id from other refusals', () => {
    const refused = (code: (typeof REFUSAL_CODES)[number]) =>
      exitCodeOf(problemsOf(errorOfRefusal({ type: 'refusal', code, message: 'm', remedy: 'r', ids: [] }))[0].code);
    expect(REFUSAL_CODES.map(refused)).toEqual(REFUSAL_CODES.map((code) => (code === 'unknownId' ? 3 : 1)));
  });

  it('are those of shells for signals', () => {
    expect(['SIGINT', 'SIGTERM', 'SIGHUP'].map(exitCodeOfSignal)).toEqual([130, 143, 129]);
  });

  it('do not come from the names of objects', () => {
    expect(exitCodeOf('constructor')).toBe(1);
    expect(exitCodeOf(problemsOf(new UsageError('no'))[0].code)).toBe(2);
  });
});

describe('an error as a record', () => {
  it('tells what is needed and free', () => {
    const [problem] = problemsOf(errorOfFault(fault('noSpace', { neededBytes: 9, freeBytes: 3 }), 'x'));
    expect(problem).toMatchObject({ code: 'noSpace', neededBytes: 9, freeBytes: 3 });
  });

  it('tells who owns the depot', () => {
    const error = new InitializationError('held', { code: 'leaseHeld', remedy: 'wait', owner: { pid: 7 } });
    expect(problemsOf(error)[0].owner).toEqual({ pid: 7 });
  });

  it('is one for each defect', () => {
    const error = Object.assign(new Error('all'), {
      code: 'manifestError',
      remedy: 'r',
      defects: [
        { path: '$.a', message: 'one' },
        { path: '$.b', message: 'two' },
      ],
    });
    expect(problemsOf(error).map(({ path, message }) => [path, message])).toEqual([
      ['$.a', 'one'],
      ['$.b', 'two'],
    ]);
  });

  it('does not take the codes of the system for ours', () => {
    expect(problemsOf(Object.assign(new Error('no such file'), { code: 'ENOENT' }))[0].code).toBe('unknown');
  });
});
