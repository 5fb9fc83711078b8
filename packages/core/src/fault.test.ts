import { describe, expect, it } from 'vitest';
import {
  ChecksumError,
  ConfigurationError,
  DownloadError,
  errorOfFault,
  InitializationError,
  LadingError,
} from './errors.js';
import { FAULT_TYPES, type Fault, faultTypeOfStatus, isRetryable, isWrongBytes, remedyOf } from './fault.js';

const fault = (type: Fault['type'], more: Partial<Fault> = {}): Fault => ({
  type,
  detail: 'x',
  message: 'what happened',
  ...more,
});

describe('faults', () => {
  it('each has a remedy that a person can follow, unlike any other', () => {
    const remedies = FAULT_TYPES.map((type) => remedyOf(fault(type)));
    for (const remedy of remedies) expect(remedy).toMatch(/^[A-Z].{20,}[.]$/);
    expect(new Set(remedies).size).toBe(FAULT_TYPES.length);
  });

  it('asks again only where that can help', () => {
    const retryable = FAULT_TYPES.filter((type) => isRetryable(fault(type)));
    expect(retryable).toEqual([
      'networkTimeout',
      'networkUnreachable',
      'serverError',
      'checksumMismatch',
      'upstreamChanged',
      'interrupted',
      'stalled',
      'storageError',
      'unknown',
    ]);
  });

  it.each([400, 401, 403, 404, 405, 406, 407, 410, 414, 431, 451])('does not ask again after %i', (httpStatus) => {
    expect(isRetryable(fault(faultTypeOfStatus(httpStatus), { httpStatus }))).toBe(false);
  });

  it.each([408, 412, 421, 425, 429, 500, 502, 503, 504, 999])('asks again after %i', (httpStatus) => {
    expect(isRetryable(fault(faultTypeOfStatus(httpStatus), { httpStatus }))).toBe(true);
  });

  it.each(['certificate', 'redirectLoop', 'redirectRefused', 'addressRefused', 'schemeRefused'])(
    'does not ask again when the cause is %s',
    (detail) => {
      expect(isRetryable(fault('serverError', { detail }))).toBe(false);
    },
  );

  it('counts wrong bytes apart from bytes that did not come', () => {
    expect(FAULT_TYPES.filter((type) => isWrongBytes(fault(type)))).toEqual(['checksumMismatch', 'upstreamChanged']);
  });

  it('maps statuses to what a person can do about them', () => {
    const types = [404, 410, 401, 403, 407, 412, 416, 429, 500, 204, 304].map(faultTypeOfStatus);
    expect(types).toEqual([
      ...['notFound', 'notFound', 'unauthorized', 'unauthorized', 'unauthorized', 'upstreamChanged'],
      ...['serverError', 'serverError', 'serverError', 'serverError', 'serverError'],
    ]);
  });
});

describe('the errors they become', () => {
  it('keep code, remedy and fault, under the name that people search for', () => {
    for (const type of FAULT_TYPES) {
      const error = errorOfFault(fault(type), 'model.onnx');
      expect(error).toBeInstanceOf(LadingError);
      expect(error).toMatchObject({
        code: type,
        message: 'model.onnx: what happened',
        remedy: remedyOf(fault(type)),
        isRetryable: isRetryable(fault(type)),
      });
    }
    expect(errorOfFault(fault('checksumMismatch'), 'x')).toBeInstanceOf(ChecksumError);
    expect(errorOfFault(fault('leaseHeld'), 'x')).toBeInstanceOf(InitializationError);
    expect(errorOfFault(fault('manifestError'), 'x')).toBeInstanceOf(ConfigurationError);
    expect(errorOfFault(fault('noSpace'), 'x')).toBeInstanceOf(DownloadError);
    expect(errorOfFault(fault('noSpace'), 'x').name).toBe('DownloadError');
  });
});
