// Catalogs and states of any size, made as the product makes them: a manifest is read, commands and reports are decided.
import { Catalog, coreIn, DEFAULT_POLICY, decide, EMPTY_STATE, readManifest } from '@lading/core';

const MIB = 1024 * 1024;
export const ENGINE = 'engine';
export const voiceId = (i) => `voice_${i}`;
export const packId = (i) => `pack_${i}`;
const digest = (i) => i.toString(16).padStart(64, '0');

function coreEntry(id, i, sizeBytes) {
  return {
    id,
    files: [{ filename: 'model.bin', url: `https://assets.example/${id}.bin`, sizeBytes, sha256: digest(i) }],
  };
}

/**
 * The text of a manifest: all voices need the engine. With `packs`, the hardest case, each needs a core of its own beside it: as many cores as
 * voices, and one that all of them share.
 */
export function manifestText({ voices, packs }) {
  const ids = Array.from({ length: voices }, (_, i) => i);
  return JSON.stringify({
    version: 3,
    id: 'scale',
    cores: [coreEntry(ENGINE, 0, 300 * MIB), ...(packs ? ids.map((i) => coreEntry(packId(i), i + 1, MIB)) : [])],
    voices: ids.map((i) => ({
      id: voiceId(i),
      engineId: 'scale',
      displayName: `Voice ${i}`,
      language: 'en-US',
      coreRequirements: packs ? [ENGINE, packId(i)] : [ENGINE],
    })),
  });
}

export function manifestOf(size) {
  const reading = readManifest(manifestText(size), { base: null, allowHttp: false });
  if (!reading.ok) throw new Error(JSON.stringify(reading.defects.slice(0, 3)));
  return reading.manifest;
}

/** The catalog with one bundle of all voices; larger than a manifest may have, so it is added behind the reader. */
export function catalogOf(size) {
  const manifest = manifestOf(size);
  const all = { id: 'all', displayName: 'All', requires: manifest.voices.map(({ id }) => id) };
  return Catalog.of([{ ...manifest, bundles: [all] }], 'linux').catalog;
}

/** What a conductor is without a journal: folds decisions and keeps the records. */
export class Life {
  records = [];
  refusals = 0;
  now = 1_700_000_000_000;

  constructor(catalog, { slots = DEFAULT_POLICY.slots, state = EMPTY_STATE, luck = () => 0.5 } = {}) {
    this.catalog = catalog;
    this.policy = { ...DEFAULT_POLICY, slots };
    this.state = state;
    this.luck = luck;
  }

  tell(input) {
    this.now += 7;
    const decision = decide(this.state, this.catalog, this.policy, input, { now: this.now, luck: this.luck() });
    if (decision.type === 'refusal') {
      this.refusals++;
      return [];
    }
    if (decision.events.length === 0) return [];
    const { epoch, position } = this.state;
    this.records.push({ v: 1, from: position, epoch, at: this.now, events: decision.events });
    this.state = decision.state;
    return decision.effects;
  }

  /** A report on a core under its present ticket. */
  report(type, core, more = {}) {
    return this.tell({ type, core, ticket: coreIn(this.state, core).context.ticket, ...more });
  }

  checkpoint(core, bytes) {
    const checkpoint = { bytes, validator: '"5f3e-64a1"', origin: 'https://assets.example' };
    return this.report('checkpointed', core, { files: { 'model.bin': checkpoint } });
  }

  /** From the start of its work to ready, with so many checkpoints on the way. */
  finish(core, checkpoints = 0) {
    const sizeBytes = this.catalog.core(core).sizeBytes;
    this.report('prepared', core, { staged: {} });
    for (let i = 1; i <= checkpoints; i++) this.checkpoint(core, Math.floor((sizeBytes * i) / checkpoints));
    this.report('downloaded', core);
    this.report('verified', core, { weak: [] });
    const { ticket } = coreIn(this.state, core).context;
    const [file] = this.catalog.core(core).files;
    const { sizeBytes: bytes, sha256 } = file.contents[0];
    const files = [{ filename: file.filename, sizeBytes: bytes, sha256 }];
    this.report('installed', core, { generation: `g${ticket}`, files });
  }
}

/** A state in which all voices were asked for and the engine is being fetched. */
export function fetching(catalog, voices, slots = 3) {
  const life = new Life(catalog, { slots });
  life.tell({ type: 'woke', epoch: 1, staged: {}, missing: {} });
  for (let i = 0; i < voices; i++) life.tell({ type: 'download', id: voiceId(i) });
  life.report('prepared', ENGINE, { staged: {} });
  return life;
}
