export { HUB } from './address.js';
export type { Patience } from './api.js';
export type { CacheFiles } from './cache.js';
export type { HubEnvironment } from './environment.js';
export { readHubEnvironment } from './environment.js';
export type { HuggingFaceOptions, Pin } from './hub.js';
export { HuggingFace } from './hub.js';
export type { Reference, ReferenceReading } from './reference.js';
export { coreIdOf, isReference, readReference, referenceOfCore, textOf } from './reference.js';
