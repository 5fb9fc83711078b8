/** What `npm run runtimes:install` puts here: the packages that hold Bun and Deno themselves, which need no script to be run, and onnxruntime-web. */
import { createRequire } from 'node:module';
import process from 'node:process';

const { resolve } = createRequire(new URL('./package.json', import.meta.url));

const PROGRAMS: Readonly<Record<'bun' | 'deno', Readonly<Record<string, string>>>> = {
  bun: {
    'linux x64': '@oven/bun-linux-x64/bin/bun',
    'linux arm64': '@oven/bun-linux-aarch64/bin/bun',
    'darwin x64': '@oven/bun-darwin-x64/bin/bun',
    'darwin arm64': '@oven/bun-darwin-aarch64/bin/bun',
  },
  deno: {
    'linux x64': '@deno/linux-x64-glibc/deno',
    'linux arm64': '@deno/linux-arm64-glibc/deno',
    'darwin x64': '@deno/darwin-x64/deno',
    'darwin arm64': '@deno/darwin-arm64/deno',
  },
};

/** Where a module or a file of a package is, or null if that is not installed. */
export function installed(name: string): string | null {
  try {
    return resolve(name);
  } catch {
    return null;
  }
}

/** Where a runtime's program is, or null if it is not installed or there is none for this machine. */
export function programOf(runtime: 'bun' | 'deno'): string | null {
  const name = PROGRAMS[runtime][`${process.platform} ${process.arch}`];
  return name === undefined ? null : installed(name);
}
