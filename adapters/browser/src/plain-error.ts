import { ConfigurationError } from '@lading/core';
import { FaultError } from '@lading/runtime';
import type { PlainError } from './messages.js';

export function plainError(error: unknown): PlainError {
  if (error instanceof FaultError) return { type: 'fault', fault: error.fault, owner: error.owner };
  if (error instanceof ConfigurationError) {
    const { message, code, remedy, defects } = error;
    return { type: 'configuration', message, code, remedy, defects };
  }
  if (error instanceof Error) return { type: 'error', name: error.name, message: error.message };
  return { type: 'error', name: 'Error', message: String(error) };
}

export function revivedError(plain: PlainError): Error {
  if (plain.type === 'fault') return new FaultError(plain.fault, { owner: plain.owner });
  if (plain.type === 'configuration') return new ConfigurationError(plain.message, plain);
  return Object.assign(new Error(plain.message), { name: plain.name });
}
