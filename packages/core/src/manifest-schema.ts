import * as z from 'zod/mini';
import { LIMITS } from './limits.js';

/**
 * The shape of a manifest, version 3. Shape only: grammar of names, uniqueness and references are judged in `manifest-rules.ts`, on whatever
 * of the shape is there, so that one reading names every defect. Unknown fields are allowed and ignored: the format grows by adding.
 */
const size = z.int().check(z.minimum(0), z.maximum(LIMITS.fileBytes));
const count = z.int().check(z.minimum(0), z.maximum(64));
const text = z.string().check(z.maxLength(4096));
const optional = <T extends z.ZodMiniType>(schema: T) => z.optional(z.nullable(schema));
const hex = (digits: number) =>
  z.string().check(z.regex(new RegExp(`^[0-9a-f]{${digits}}$`), `must be ${digits} lower-case hex digits`));

const digests = {
  sha256: optional(hex(64)),
  md5: optional(hex(32)),
  sha1: optional(hex(40)),
  gitBlob: optional(hex(40)),
};

const pieces = z.object({
  sizeBytes: z.int().check(z.minimum(1), z.maximum(LIMITS.fileBytes)),
  sha256: z.array(hex(64)),
});

const content = {
  url: text,
  mirrors: optional(z.array(text).check(z.maxLength(32))),
  sizeBytes: size,
  ...digests,
  accepted: optional(z.array(z.object({ sizeBytes: size, ...digests })).check(z.maxLength(64))),
  pieces: optional(pieces),
};

const file = z.object({ filename: text, ...content });

export const EXTRACT_TYPES = ['tar', 'tar.gz', 'tar.bz2', 'zip'] as const;

export const coreSchema = z.object({
  id: text,
  type: z.optional(z.enum(['engine_core', 'voice_model', 'engine_dependency'])),
  engineType: z.optional(text),
  displayName: z.optional(text),
  license: optional(text),
  platforms: optional(z.array(text)),
  aliasOf: optional(text),
  files: optional(z.array(file).check(z.minLength(1), z.maxLength(LIMITS.archiveFiles))),
  filename: optional(text),
  url: optional(text),
  mirrors: content.mirrors,
  sizeBytes: z.optional(size),
  ...digests,
  accepted: content.accepted,
  pieces: content.pieces,
  extractType: optional(z.enum(EXTRACT_TYPES)),
  stripComponents: optional(count),
  unpackedBytes: optional(size),
});

export const voiceSchema = z.object({
  id: text,
  kind: z.optional(z.enum(['voice', 'stt', 'llm', 'embedding'])),
  engineId: z.optional(text),
  displayName: z.optional(text),
  language: optional(text),
  gender: optional(text),
  coreRequirements: z.array(text).check(z.minLength(1), z.maxLength(1024)),
  speakerId: optional(z.int()),
  modelKey: optional(text),
  sampleUrl: optional(text),
  aliases: optional(z.array(text)),
});

export const bundleSchema = z.object({
  id: text,
  displayName: z.optional(text),
  requires: z.array(text).check(z.minLength(1), z.maxLength(1024)),
});

const header = {
  version: z.literal(3),
  id: z.optional(text),
  revision: z.optional(z.int().check(z.minimum(0))),
  lastUpdated: optional(text),
  expires: optional(text),
};

export const manifestSchema = z.object({
  ...header,
  cores: z.array(coreSchema),
  voices: z.optional(z.array(voiceSchema)),
  bundles: z.optional(z.array(bundleSchema)),
});

/** The outer shape alone. A manifest is read entry by entry, so that a million bad entries cost no more than the first few hundred. */
export const frameSchema = z.object({
  ...header,
  cores: z.array(z.unknown()),
  voices: z.optional(z.array(z.unknown())),
  bundles: z.optional(z.array(z.unknown())),
});

export type RawManifest = z.infer<typeof manifestSchema>;
export type RawCore = z.infer<typeof coreSchema>;
export type RawFile = z.infer<typeof file>;
export type RawVoice = z.infer<typeof voiceSchema>;
