import * as z from 'zod/mini';
import { manifestSchema } from './manifest-schema.js';

/**
 * The JSON Schema (2020-12) of a manifest, for editors and other languages; generated, never written by hand. A front door of its own,
 * because an app that reads manifests does not need the generator.
 */
export function manifestJsonSchema(): Record<string, unknown> {
  return z.toJSONSchema(manifestSchema, { io: 'input' }) as Record<string, unknown>;
}
