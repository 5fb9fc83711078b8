import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';

const run = promisify(execFile);
const tool = fileURLToPath(new URL('tools/write-schema.mjs', import.meta.url));
const folder = new URL('../manifests/', import.meta.url);
const json = (name: string): unknown => JSON.parse(readFileSync(new URL(name, folder), 'utf8'));

const validate = new Ajv2020({ allErrors: true }).compile(json('schema/manifest.schema.json') as object);
const defectsOf = (manifest: unknown) =>
  validate(manifest) ? [] : (validate.errors ?? []).map((error) => error.instancePath);

describe('the JSON Schema of a manifest', () => {
  it('is what the reader has: it is not stale', async () => {
    const { stdout } = await run(process.execPath, [tool, '--check']);
    expect(stdout).toContain('is unchanged');
  });

  const catalogs = readdirSync(folder).filter((name) => name.endsWith('.json'));
  it('has catalogs to judge', () => expect(catalogs).toContain('kokoro.json'));
  it.each(catalogs)('a validator that is not ours accepts %s', (name) => expect(defectsOf(json(name))).toEqual([]));

  it('a validator that is not ours refuses what the reader refuses, at the same place', () => {
    const file = { filename: 'a', url: 'https://example.org/a', sizeBytes: -1, sha256: 'A'.repeat(64) };
    expect(
      defectsOf({ version: 2, cores: [{ id: 'c', type: 'engine', files: [file] }], voices: [{ id: 'v' }] }),
    ).toEqual(
      expect.arrayContaining([
        '/version',
        '/cores/0/type',
        '/cores/0/files/0/sizeBytes',
        '/cores/0/files/0/sha256',
        '/voices/0',
      ]),
    );
  });
});
