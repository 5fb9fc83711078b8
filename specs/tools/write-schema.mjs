// Writes the JSON Schema of a manifest, as the reader itself has it.
//
//   node specs/tools/write-schema.mjs            writes manifests/schema/manifest.schema.json
//   node specs/tools/write-schema.mjs --check    writes nothing; exits 1 if it is stale
//
// It lies in a folder of its own, because every other JSON file of `manifests` is a catalog. Needs a build (`npm run build`).
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { manifestJsonSchema } from '@lading/core/json-schema';

const place = new URL('../../manifests/schema/manifest.schema.json', import.meta.url);

const { $schema, ...shape } = manifestJsonSchema();
const schema = {
  $schema,
  title: 'Lading manifest, version 3',
  description:
    'The shape of a catalog. Grammar of names, uniqueness and references are judged beyond it: `lading catalog check FILE`.',
  ...shape,
};
const text = `${JSON.stringify(schema, null, 2)}\n`;

function present() {
  try {
    return readFileSync(place, 'utf8');
  } catch (error) {
    if (error.code === 'ENOENT') return null;
    throw error;
  }
}

const options = process.argv.slice(2);
const isCheck = options[0] === '--check';
if (options.length > (isCheck ? 1 : 0)) throw new Error('usage: write-schema.mjs [--check]');

if (present() === text) console.log('manifests/schema/manifest.schema.json is unchanged');
else if (isCheck) {
  console.log('manifests/schema/manifest.schema.json is stale: run node specs/tools/write-schema.mjs');
  process.exitCode = 1;
} else {
  mkdirSync(new URL('.', place), { recursive: true });
  writeFileSync(place, text);
  console.log('manifests/schema/manifest.schema.json written');
}
