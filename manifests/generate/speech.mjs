// Speech to text. Each runtime brings its own voice activity detection, because the files differ under one name.
import { assetOf, contentOf, fileOf, manifestOf } from './sources.mjs';

/** As whisper.cpp names its models, smallest first. */
const whisperModels = [
  'tiny',
  'tiny.en',
  'base-q5_1',
  'base',
  'base.en',
  'small-q5_1',
  'small',
  'small.en',
  'medium-q5_0',
  'medium',
  'medium.en',
  'large-v3-turbo-q5_0',
  'large-v3-turbo-q8_0',
  'large-v3-turbo',
  'large-v1',
  'large-v2-q5_0',
  'large-v2',
  'large-v3-q5_0',
  'large-v3',
];

const SHERPA = 'k2-fsa/sherpa-onnx asr-models';
const sherpaFile = (file) => assetOf({ asset: SHERPA, file });

/** `large-v3-turbo-q5_0` is the core `whisper_model_large_v3_turbo_q5_0`. */
const idOf = (model) => model.replace(/[.-]/g, '_');
const isEnglish = (model) => model.endsWith('.en');
const titleOf = (model) => `Whisper ${model.replace('.en', '')}${isEnglish(model) ? ' (English)' : ''}`;

const whisperCore = (model) => ({
  id: `whisper_model_${idOf(model)}`,
  type: 'engine_core',
  engineType: 'whisper.cpp',
  displayName: `${titleOf(model)} model`,
  license: 'MIT',
  files: [fileOf(assetOf({ asset: 'ggerganov/whisper.cpp', file: `ggml-${model}.bin` }))],
});

const whisperEntry = (model) => ({
  id: `whisper_${idOf(model)}`,
  kind: 'stt',
  engineId: 'whisper.cpp',
  displayName: titleOf(model),
  // BCP 47: "mul" is content in many languages.
  language: isEnglish(model) ? 'en' : 'mul',
  gender: null,
  coreRequirements: [`whisper_model_${idOf(model)}`, 'silero_vad_whisper_cpp_v6_2_0'],
  speakerId: null,
  modelKey: model,
});

export const speech = manifestOf('speech', {
  cores: [
    ...whisperModels.map(whisperCore),
    {
      id: 'silero_vad_whisper_cpp_v6_2_0',
      type: 'engine_dependency',
      engineType: 'whisper.cpp',
      displayName: 'Silero VAD 6.2.0 for whisper.cpp',
      license: 'MIT',
      files: [fileOf(assetOf({ asset: 'ggml-org/whisper-vad', file: 'ggml-silero-v6.2.0.bin' }))],
    },
    {
      id: 'moonshine_tiny_en',
      type: 'engine_core',
      engineType: 'sherpa-onnx',
      displayName: 'Moonshine tiny model (English, 8 bit)',
      license: 'MIT',
      ...contentOf(sherpaFile('sherpa-onnx-moonshine-tiny-en-int8.tar.bz2')),
      extractType: 'tar.bz2',
      stripComponents: 1,
    },
    {
      id: 'silero_vad_sherpa',
      type: 'engine_dependency',
      engineType: 'sherpa-onnx',
      displayName: 'Silero VAD for sherpa-onnx',
      license: 'MIT',
      files: [fileOf(sherpaFile('silero_vad.onnx'))],
    },
  ],
  voices: [
    ...whisperModels.map(whisperEntry),
    {
      id: 'moonshine_tiny_en_stt',
      kind: 'stt',
      engineId: 'sherpa-onnx',
      displayName: 'Moonshine tiny (English)',
      language: 'en',
      gender: null,
      coreRequirements: ['moonshine_tiny_en', 'silero_vad_sherpa'],
      speakerId: null,
      modelKey: null,
    },
  ],
});
