/** Programs that specs start as processes of their own, bundled from the sources: they run what the spec's own process runs. */
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type StdinOptions } from 'esbuild';

export const source = (place: string): string => fileURLToPath(new URL(`../../${place}/src`, import.meta.url));

/** A new folder with `<name>.mjs` in it, made of a file or of a text. The caller removes it. */
export async function bundled(name: string, entry: string | StdinOptions): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), `lading-${name}-`));
  await build({
    ...(typeof entry === 'string' ? { entryPoints: [entry] } : { stdin: entry }),
    outfile: join(dir, `${name}.mjs`),
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    alias: {
      '@lading/core': join(source('packages/core'), 'index.ts'),
      '@lading/runtime/archive': join(source('packages/runtime'), 'archive.ts'),
      '@lading/runtime': join(source('packages/runtime'), 'index.ts'),
      '@lading/node': join(source('adapters/node'), 'index.ts'),
    },
    // Some packages ask for Node's own modules as CommonJS does.
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
    logLevel: 'warning',
  });
  return dir;
}
