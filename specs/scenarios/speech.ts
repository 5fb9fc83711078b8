/**
 * The speech of the scenarios: three shared cores (a model, a voice table, an archive of phoneme tables) under two voices, and
 * a third voice that shares two of them and has a model of its own.
 */
import { seededBytes } from '../origin/seeded-bytes.js';
import { tarGz } from './tar.js';
import type { NamedFile, Shelf, World } from './world.js';

export interface Speech extends Shelf {
  readonly model: NamedFile;
  readonly table: NamedFile;
  readonly phonemes: NamedFile;
  readonly cleo: NamedFile;
}

export const modelPath = '/model.onnx';
export const tablePath = '/voices.bin';
export const phonemesPath = '/phonemes.tar.gz';
export const cleoPath = '/cleo.onnx';

export const sharedPaths = [modelPath, tablePath, phonemesPath];

export function speechIn(world: World, modelBytes = 256 * 1024): Speech {
  const model = world.serve(modelPath, seededBytes(1, modelBytes));
  const table = world.serve(tablePath, seededBytes(2, 64 * 1024));
  const tables = { 'data/phontab': seededBytes(3, 5_000), 'data/lang/en': seededBytes(4, 300) };
  const phonemes = world.serve(phonemesPath, tarGz(tables));
  const cleo = world.serve(cleoPath, seededBytes(5, 96 * 1024));
  const archive = { url: phonemes.url, sizeBytes: phonemes.sizeBytes, sha256: phonemes.sha256 };
  return {
    model,
    table,
    phonemes,
    cleo,
    cores: [
      { id: 'model', type: 'engine_core', files: [model] },
      { id: 'table', type: 'engine_core', files: [table] },
      { id: 'phonemes', type: 'engine_dependency', ...archive, extractType: 'tar.gz', stripComponents: 1 },
      { id: 'cleo_model', type: 'voice_model', files: [cleo] },
    ],
    voices: [
      { id: 'aria', coreRequirements: ['model', 'table', 'phonemes'] },
      { id: 'basil', coreRequirements: ['model', 'table', 'phonemes'] },
      { id: 'cleo', coreRequirements: ['cleo_model', 'table', 'phonemes'] },
    ],
    bundles: [{ id: 'everyone', requires: ['aria', 'basil', 'cleo'] }],
  };
}

/** What stands on the disk when the cores of `aria` and `basil` are installed. */
export const sharedFiles = ['model/model.onnx', 'phonemes/lang/en', 'phonemes/phontab', 'table/voices.bin'];
