import { type DepotState, imageOf } from '@lading/core';

const sorted = (_: string, value: unknown): unknown =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
    : value;

/** A state as text that depends on nothing but what it holds: keys in order, no space. Its sha256 is the hash of the state, on every runtime. */
export const stateText = (state: DepotState): string => JSON.stringify(imageOf(state), sorted);
