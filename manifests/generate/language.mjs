// Language and embedding models: one GGUF file, one core, one entry. The quantisation is part of the core's id, because
// another quantisation is another model beside it and no update of it.
import { assetOf, fileOf, manifestOf } from './sources.mjs';

const models = [
  {
    core: 'smollm2_135m_q4_k_m',
    entry: 'smollm2_135m_chat',
    title: 'SmolLM2 135M Instruct (Q4_K_M)',
    license: 'Apache-2.0',
    language: 'en',
    file: 'SmolLM2-135M-Instruct-Q4_K_M.gguf',
  },
  {
    core: 'qwen2_5_0_5b_q4_k_m',
    entry: 'qwen2_5_0_5b_chat',
    title: 'Qwen2.5 0.5B Instruct (Q4_K_M)',
    license: 'Apache-2.0',
    language: 'mul',
    file: 'qwen2.5-0.5b-instruct-q4_k_m.gguf',
  },
  {
    core: 'qwen3_0_6b_q8_0',
    entry: 'qwen3_0_6b_chat',
    title: 'Qwen3 0.6B (Q8_0)',
    license: 'Apache-2.0',
    language: 'mul',
    file: 'Qwen3-0.6B-Q8_0.gguf',
  },
  {
    // A community quantisation: Qwen itself publishes Q8_0 only.
    core: 'qwen3_0_6b_q4_k_m',
    entry: 'qwen3_0_6b_q4_k_m_chat',
    title: 'Qwen3 0.6B (Q4_K_M)',
    license: 'Apache-2.0',
    language: 'mul',
    file: 'Qwen3-0.6B-Q4_K_M.gguf',
  },
  {
    core: 'llama3_2_1b_q4_k_m',
    entry: 'llama3_2_1b_chat',
    title: 'Llama 3.2 1B Instruct (Q4_K_M)',
    license: 'Llama 3.2 Community License',
    language: 'mul',
    file: 'Llama-3.2-1B-Instruct-Q4_K_M.gguf',
  },
  {
    core: 'gemma4_e2b_q4_k_m',
    entry: 'gemma4_e2b_chat',
    title: 'Gemma 4 E2B (Q4_K_M)',
    // As its users state; not compared with the publisher's own text.
    license: 'Apache-2.0',
    language: 'mul',
    file: 'google_gemma-4-E2B-it-Q4_K_M.gguf',
  },
  {
    core: 'bge_small_en_q8_0',
    entry: 'bge_small_en',
    kind: 'embedding',
    title: 'BGE small v1.5 (English, Q8_0)',
    license: 'MIT',
    language: 'en',
    file: 'bge-small-en-v1.5-q8_0.gguf',
  },
];

export const language = manifestOf('language', {
  cores: models.map(({ core, title, license, file }) => ({
    id: core,
    type: 'engine_core',
    engineType: 'llama.cpp',
    displayName: `${title} model`,
    license,
    files: [fileOf(assetOf({ file }))],
  })),
  voices: models.map(({ core, entry, kind = 'llm', title, language: code }) => ({
    id: entry,
    kind,
    engineId: 'llama.cpp',
    displayName: title,
    language: code,
    gender: null,
    coreRequirements: [core],
    speakerId: null,
    modelKey: null,
  })),
});
