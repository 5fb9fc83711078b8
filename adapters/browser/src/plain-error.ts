import { FaultError } from '@lading/runtime';
import type { PlainError } from './messages.js';

export function plainError(error: unknown): PlainError {
  if (error instanceof FaultError) return { type: 'fault', fault: error.fault, owner: error.owner };
  if (error instanceof Error) return { type: 'error', name: error.name, message: error.message };
  return { type: 'error', name: 'Error', message: String(error) };
}

export function revivedError(plain: PlainError): Error {
  if (plain.type === 'fault') return new FaultError(plain.fault, { owner: plain.owner });
  return Object.assign(new Error(plain.message), { name: plain.name });
}
