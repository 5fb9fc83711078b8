// Supertonic: one core of many files for each generation, whose styles are its voices. The generations share file names
// and not bytes, so each has ids of its own.
import { assetOf, fileOf, manifestOf } from './sources.mjs';

const MODEL_FILES = [
  'duration_predictor.onnx',
  'text_encoder.onnx',
  'vector_estimator.onnx',
  'vocoder.onnx',
  'tts.json',
];

const generations = [
  {
    version: 3,
    asset: 'Supertone/supertonic-3',
    revision: '3cadd1ee6394adea1bd021217a0e650ede09a323',
    styles: ['F1', 'F2', 'F3', 'F4', 'F5', 'M1', 'M2', 'M3', 'M4', 'M5'],
    voiceId: (style) => `supertonic_${style.toLowerCase()}`,
    // The licence has terms of use that are to go with the model.
    extras: ['LICENSE'],
  },
  {
    version: 1,
    asset: 'Supertone/supertonic',
    revision: 'b6856d033f622c63ea29441795be266a1133e227',
    // M3 to M5 and F3 to F5 came in a later commit; no digest of them is known.
    styles: ['F1', 'F2', 'M1', 'M2'],
    voiceId: (style) => `supertonic1_${style.toLowerCase()}`,
    extras: [],
  },
];

const core = ({ version, asset, revision, styles, extras }) => ({
  id: `supertonic_core_v${version}`,
  type: 'engine_core',
  engineType: 'supertonic',
  displayName: `Supertonic ${version} model and styles`,
  license: 'OpenRAIL-M',
  files: [
    ...[...MODEL_FILES, 'unicode_indexer.json'].map((name) => `onnx/${name}`),
    ...styles.map((style) => `voice_styles/${style}.json`),
    ...extras,
  ].map((file) => fileOf(assetOf({ asset, revision, file }))),
});

const voice = ({ version, voiceId }, style) => ({
  id: voiceId(style),
  kind: 'voice',
  engineId: 'supertonic',
  displayName: `Supertonic ${version} ${style}`,
  language: 'en',
  gender: style.startsWith('F') ? 'female' : 'male',
  coreRequirements: [`supertonic_core_v${version}`],
  speakerId: null,
  modelKey: style,
});

export const supertonic = manifestOf('supertonic', {
  cores: generations.map(core),
  voices: generations.flatMap((generation) => generation.styles.map((style) => voice(generation, style))),
});
