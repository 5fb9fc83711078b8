// Whole assistants: bundles of entries from the other catalogs. A bundle may name entries of its own manifest only, so
// what it needs is copied here, unchanged: an id that two catalogs have must mean the same in both.
import { kokoro } from './kokoro.mjs';
import { language } from './language.mjs';
import { manifestOf } from './sources.mjs';
import { speech } from './speech.mjs';

const bundles = [
  { id: 'assistant_small', requires: ['kokoro_af_heart', 'moonshine_tiny_en_stt', 'smollm2_135m_chat'] },
  {
    id: 'assistant_standard',
    requires: ['kokoro_af_heart', 'kokoro_am_michael', 'whisper_base_en', 'qwen3_0_6b_chat', 'bge_small_en'],
  },
];

const catalogs = [kokoro, speech, language];
const wanted = new Set(bundles.flatMap(({ requires }) => requires));
const voices = catalogs.flatMap((catalog) => catalog.voices).filter(({ id }) => wanted.has(id));
const required = new Set(voices.flatMap(({ coreRequirements }) => coreRequirements));
const cores = catalogs
  .flatMap((catalog) => catalog.cores)
  // All variants of a required core: with only one of them this catalog would decide what another leaves open.
  .filter(({ id, aliasOf }) => required.has(id) || required.has(aliasOf));

export const assistant = manifestOf('assistant', { cores, voices, bundles });
