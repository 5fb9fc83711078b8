// Kokoro: one model in three precisions, 54 small voice files, and the espeak-ng data that native engines need.
import { assetOf, contentOf, fileOf, manifestOf, readSource } from './sources.mjs';

const { upstream, revision, license, voices } = readSource('kokoro-voices.json');

const upstreamFile = (file, filename) => fileOf(assetOf({ asset: upstream, revision, file }), filename);

/** Each stands for `kokoro_model_v1`, the id that voices ask for; the first that fits the machine is taken. */
const model = (precision, name, file) => ({
  id: `kokoro_model_${precision}_v1`,
  type: 'engine_core',
  engineType: 'kokoro',
  displayName: `Kokoro 82M v1.0 model (${name})`,
  license,
  aliasOf: 'kokoro_model_v1',
  files: [
    upstreamFile(`onnx/${file}`, file),
    ...['config.json', 'tokenizer.json', 'tokenizer_config.json'].map((companion) => upstreamFile(companion)),
  ],
});

const espeak = assetOf({ asset: 'k2-fsa/sherpa-onnx tts-models', file: 'espeak-ng-data.tar.bz2' });

const voiceFile = ({ id, name, languageName, file }) => ({
  id: `kokoro_voice_${id}`,
  type: 'engine_dependency',
  engineType: 'kokoro',
  displayName: `Kokoro voice file ${name} (${languageName})`,
  license,
  files: [upstreamFile(file, `${id}.bin`)],
});

const voice = ({ id, name, language, gender, sherpaSpeakerId }) => ({
  id: `kokoro_${id}`,
  kind: 'voice',
  engineId: 'kokoro',
  displayName: name,
  language,
  gender,
  coreRequirements: ['kokoro_model_v1', `kokoro_voice_${id}`, 'espeak_ng_data'],
  speakerId: sherpaSpeakerId,
  modelKey: id,
});

export const kokoro = manifestOf('kokoro', {
  cores: [
    model('q8', '8 bit', 'model_quantized.onnx'),
    model('fp16', '16 bit', 'model_fp16.onnx'),
    model('fp32', '32 bit', 'model.onnx'),
    {
      id: 'espeak_ng_data',
      type: 'engine_dependency',
      engineType: 'espeak-ng',
      displayName: 'eSpeak NG data',
      license: 'GPL-3.0-or-later',
      ...contentOf(espeak),
      extractType: 'tar.bz2',
      // Engines want the directory that contains `espeak-ng-data/`, so the archive's own directory stays.
      stripComponents: 0,
    },
    ...voices.map(voiceFile),
  ],
  voices: voices.map(voice),
});
