/** A history on its way to another machine: what `lading log --export` leaves behind, and what `lading replay` tells, judges and refuses. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { fingerprintOf } from '@lading/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { always, first, redirectTo, status, withHeaders } from './origin/behaviour.js';
import { type Origin, startOrigin } from './origin/origin.js';
import { seededBytes, sha256Hex } from './origin/seeded-bytes.js';

const MAIN = fileURLToPath(new URL('../packages/cli/dist/main.js', import.meta.url));
const GOLDEN = fileURLToPath(new URL('./journals/v1/pause-cancel-retry.node.jsonl', import.meta.url));

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

let home: string;
let origin: Origin;

async function lading(args: readonly string[], env: NodeJS.ProcessEnv = {}, stdin = ''): Promise<Ended> {
  const child = spawn(process.execPath, [MAIN, ...args], {
    env: {
      PATH: process.env['PATH'],
      HOME: home,
      LADING_DIR: join(home, 'depot'),
      LADING_CATALOG: join(home, 'catalog.json'),
      LADING_RETRY_BASE_MS: '5',
      ...env,
    },
  });
  child.stdin.end(stdin);
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  return { code: code as number | null, stdout: stdout.trimEnd(), stderr };
}

const records = ({ stdout }: Ended): readonly Record<string, unknown>[] =>
  stdout.split('\n').map((line) => JSON.parse(line) as Record<string, unknown>);
const ofType = (ended: Ended, type: string) => records(ended).filter((record) => record['type'] === type);

/** The lines of a portable journal, changed, with each check made right again: a history that was written so. */
function forged(journal: string, change: (line: Record<string, unknown>) => Record<string, unknown>): string {
  let check = '';
  const lines = journal
    .trimEnd()
    .split('\n')
    .map((line) => {
      const { check: _, ...rest } = change(JSON.parse(line) as Record<string, unknown>);
      check = fingerprintOf(`${check} ${JSON.stringify(rest)}`);
      return JSON.stringify({ ...rest, check });
    });
  return `${lines.join('\n')}\n`;
}

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'lading-replay-'));
  origin = await startOrigin();
});

afterEach(async () => {
  await origin.close();
  await rm(home, { recursive: true, force: true });
});

describe('an exported history', () => {
  const lengthBytes = 60_000;
  const page = `<html>reset link planted-page for planted-person</html>`;
  const headers = { 'x-key': 'planted-header', authorization: 'Bearer planted-bearer' };

  async function download(id: string, files: readonly object[]): Promise<void> {
    const manifest = { version: 3, id: 'world', revision: 1, cores: [{ id, type: 'engine_core', files }] };
    await writeFile(join(home, 'catalog.json'), JSON.stringify(manifest));
    const env = { LADING_HEADERS: JSON.stringify({ [origin.url]: headers }), HF_TOKEN: 'hf_plantedplanted' };
    await lading(['download', id, '--quiet'], env);
  }

  let files = 0;
  /** Each with bytes of its own: what is equal would not be asked for. */
  const fileAt = (path: string, query = '') => {
    const bytes = seededBytes(++files, lengthBytes);
    return {
      filename: path.slice(1),
      url: `${origin.put(path, bytes)}${query}`,
      sizeBytes: bytes.length,
      sha256: sha256Hex(bytes),
    };
  };

  it('holds no secret of an address, a redirect, a header or a server, and no place of this machine', async () => {
    // Addresses that are signed, and a validator that somebody chose to be a secret.
    const signed = fileAt('/signed.bin', '?X-Amz-Signature=planted-signature&token=planted-token#planted-fragment');
    origin.script(
      '/signed.bin',
      always(withHeaders({ etag: '"planted-etag"' })),
      first(1, status(503, {}, 'planted-body')),
    );
    await download('signed', [signed]);
    // Redirects: with credentials, to what is no address, and to a path that is a secret.
    const places = [
      'http://planted-user:planted-password@127.0.0.1:1/x?sig=planted-sig',
      'data:text/plain,planted-opaque',
      'http://elsewhere.test/planted-path/x?code=planted-code',
    ];
    for (const [i, place] of places.entries()) {
      origin.script(`/moved-${i}.bin`, redirectTo(place));
      await download(`moved-${i}`, [fileAt(`/moved-${i}.bin`)]);
    }
    // What a server says instead of the bytes, and sends back of what it was given.
    const said = fileAt('/said.bin');
    origin.script(
      '/said.bin',
      status(200, { 'content-type': 'text/html; planted-type' }, page.padEnd(lengthBytes, ' ')),
    );
    await download('said', [said]);
    const echoed = fileAt('/echoed.bin');
    origin.script('/echoed.bin', status(200, { 'content-type': 'text/html' }, 'planted-header '.repeat(4_000)));
    await download('echoed', [echoed]);
    // A disk that refuses, at a place below the home folder.
    await mkdir(join(home, 'depot/staging'), { recursive: true });
    await writeFile(join(home, 'depot/staging/blocked'), '');
    await download('blocked', [fileAt('/blocked.bin')]);

    const raw = await readFile(join(home, 'depot/journal/000001.jsonl'), 'utf8');
    for (const found of ['planted-etag', 'planted-opaque', 'planted-path', 'planted-page', home])
      expect(raw).toContain(found);
    const file = join(home, 'history.jsonl');
    expect((await lading(['log', '--export', file])).code).toBe(0);
    const exported = await readFile(file, 'utf8');
    expect(exported).not.toContain('planted');
    expect(exported).not.toContain(home);
    expect(exported).not.toContain(process.cwd());
    // And still it tells what happened: to which file, from where, and what the disk said.
    expect(exported).toContain(`signed.bin from ${origin.url}/…`);
    expect(exported).toContain('<depot>/staging/blocked');
    expect((await lading(['replay', file])).code).toBe(0);
  });
});

describe('a replay', () => {
  it('tells one line a moment, judges it by the laws, and comes to the state that was written', async () => {
    const ended = await lading(['replay', GOLDEN]);
    expect(ended.code).toBe(0);
    const lines = ended.stdout.split('\n');
    expect(lines.filter((line) => /^\d\d:\d\d:\d\d\.\d{3} +\d+ {2}\S/.test(line))).toHaveLength(32);
    expect(lines).toContainEqual(expect.stringMatching(/14 {2}aria was paused {2}→ aria paused, model paused$/));
    expect(lines).toContainEqual(expect.stringMatching(/^\d+ laws held at every one of 32 moments$/));
    const { stateSha256 } = JSON.parse((await readFile(GOLDEN, 'utf8')).split('\n')[0] ?? '') as {
      stateSha256: string;
    };
    expect(lines.at(-1)).toBe(`state ${stateSha256}`);
  });

  it('stops at any position and says of everything why it is there, and what may be done next', async () => {
    const ended = await lading(['replay', GOLDEN, '--at', '33', '--json']);
    expect(ended.code).toBe(0);
    expect(ofType(ended, 'status').find(({ id }) => id === 'model')).toMatchObject({
      phase: 'backingOff',
      reason: 'serverError',
      actions: ['pause', 'cancel', 'retry', 'delete'],
    });
    expect(ofType(ended, 'moment').at(-1)).toMatchObject({ position: 33, phases: [{ id: 'model', to: 'backingOff' }] });
    expect(records(ended).at(-1)).toMatchObject({ type: 'result', ok: true, position: 33, events: 51, breaches: 0 });
    const shown = await lading(['replay', GOLDEN, '--at', '33']);
    expect(shown.stdout).toContain('after event 33 of 51');
    expect(shown.stdout).toContain('may: pause, cancel, retry, delete');
  });

  it('comes at each position to the state that stands beside the golden journal, also within a record', async () => {
    const written = (await readFile(GOLDEN.replace('.jsonl', '.states'), 'utf8')).trimEnd().split('\n');
    for (const at of [0, 1, 4, 14, 23, 51]) {
      const [last] = records(await lading(['replay', GOLDEN, '--at', `${at}`, '--json'])).slice(-1);
      expect(`${at} ${String(last?.['stateSha256'])}`).toBe(written[at]);
    }
  });

  it('reads from a pipe', async () => {
    const ended = await lading(['replay', '-', '--json'], {}, await readFile(GOLDEN, 'utf8'));
    expect(records(ended).at(-1)).toMatchObject({ ok: true, position: 51 });
  });

  it('refuses a position that is not in the history', async () => {
    expect(await lading(['replay', GOLDEN, '--at', '52'])).toMatchObject({ code: 2 });
    expect(await lading(['replay', GOLDEN, '--at', '-1'])).toMatchObject({ code: 2 });
  });

  it('names the law that a history breaks, where it breaks it, and ends with 1', async () => {
    const journal = await readFile(GOLDEN, 'utf8');
    // Comes back after a tenth of what the server asked for.
    const early = forged(journal, (line) => {
      const [event] = (line['events'] ?? []) as Record<string, unknown>[];
      if (event?.['type'] !== 'RetryScheduled') return line;
      return { ...line, events: [{ ...event, at: (line['at'] as number) + 100 }] };
    });
    // What the head says of the end is another matter than the laws on the way.
    const ended = await lading(['replay', '-', '--at', '50', '--json'], {}, early);
    expect(ended.code).toBe(1);
    expect(ofType(ended, 'breach')).toMatchObject([{ position: 33, law: 'nobody comes back before Retry-After' }]);
    expect((await lading(['replay', '-', '--at', '50'], {}, early)).stdout).toContain('a law is broken: nobody comes');
  });

  it.each([
    ['that was cut in the middle of a line', (all: string) => all.slice(0, 2_000), /line 9: it ends in the middle/],
    [
      'that was cut after a line',
      (all: string) => all.split('\n').slice(0, 9).join('\n'),
      /line 9: it ends at event \d+/,
    ],
    [
      'of which a line is missing',
      (all: string) => all.split('\n').toSpliced(4, 1).join('\n'),
      /line 5: it was changed/,
    ],
    [
      'in which a number is another',
      (all: string) => all.replace('"bytesTotal":48000', '"bytesTotal":48001'),
      /line 3: /,
    ],
    ['with a line that is no JSON', (all: string) => all.replace('"events"', 'events'), /line 2: this is no JSON/],
    ['of a format to come', (all: string) => all.replace('"v":1', '"v":2'), /line 1: its format is 2/],
    [
      'with a line that is nested without end',
      (all: string) => all.replace('"events":', `"x":${'{"a":'.repeat(60_000)}1${'}'.repeat(60_000)},"events":`),
      /line 2: it is nested too deep/,
    ],
    ['of somebody else', () => '{"name":"x"}\n', /line 1: this is no journal of Lading/],
    ['that is a picture', () => '\u0089PNG\r\n\u001a\n\u0000', /line 1: this is no journal of Lading/],
    ['that is empty', () => '', /line 1: .*it is empty/],
  ])('refuses a file %s, naming the place', async (_, damage, words) => {
    const ended = await lading(['replay', '-', '--json'], {}, damage(await readFile(GOLDEN, 'utf8')));
    expect(ended.code).toBe(4);
    expect(records(ended)[0]).toMatchObject({
      type: 'error',
      code: 'notReplayable',
      message: expect.stringMatching(words),
    });
  });

  it('names the line of an event that could not happen', async () => {
    const impossible = forged(await readFile(GOLDEN, 'utf8'), (line) =>
      line['from'] === 6 ? { ...line, events: [{ type: 'VoiceDeleted', voice: 'aria' }] } : line,
    );
    const ended = await lading(['replay', '-'], {}, impossible);
    expect(ended.code).toBe(4);
    expect(ended.stderr).toMatch(/line 4: event 7: VoiceDeleted is not possible in phase "waiting"/);
  });
});
