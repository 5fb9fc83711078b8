import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { CORE_PHASES, VOICE_PHASES } from '@lading/core';
import { describe, expect, it } from 'vitest';

const run = promisify(execFile);
const tool = fileURLToPath(new URL('tools/draw-statecharts.mjs', import.meta.url));
const chart = (name: string) => readFile(new URL(`statecharts/${name}`, import.meta.url), 'utf8');

describe('the statecharts', () => {
  it('are what the machines are: none is stale', async () => {
    const { stdout } = await run(process.execPath, [tool, '--check']);
    expect(stdout).toContain('4 of 4 files are unchanged');
  });

  it.each([
    ['core', CORE_PHASES as readonly string[]],
    ['voice', VOICE_PHASES as readonly string[]],
  ])('%s: the picture names every phase, and says in words what it shows', async (name, phases) => {
    const svg = await chart(`${name}.svg`);
    for (const phase of phases) expect(svg).toContain(`class="phase">${phase}</text>`);
    expect(svg).toMatch(/role="img" aria-labelledby="title desc"/);
    expect(svg).toMatch(/<title id="title">The life of a \w+<\/title>/);
    expect(svg).toMatch(/<desc id="desc">[^<]{200,}<\/desc>/);
  });
});
