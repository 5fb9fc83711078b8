/** The bugs of others about states and cancelling (family C), each shown not to be ours. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { coreIn, fingerprintOf, imageOf, type LadingEvent } from '@lading/core';
import { encodeLine, fold } from '@lading/runtime';
import { createWorld, World } from '@lading/sim';
import { describe, expect, it } from 'vitest';
import { first, flipByteAt } from '../origin/behaviour.js';
import { startOrigin } from '../origin/origin.js';
import { seededBytes, sha256Hex } from '../origin/seeded-bytes.js';
import { begin, downloadTo, endOf, ledgerOf, rightBytes, stagedPaths, wrongFiles } from './ledger.js';

const MODEL_BYTES = 400_000;
const catalog = {
  cores: { kokoro: { 'model.onnx': MODEL_BYTES }, piper: { 'voice.onnx': 50_000, 'voice.json': 900 } },
  voices: { heart: ['kokoro'], amy: ['piper'] },
};

describe('states', () => {
  it('C1: a second download while the first is cancelled waits for its end', async () => {
    const world = await createWorld({ seed: 1, catalog, diskMs: 50 });
    const ledger = ledgerOf(world);
    await downloadTo(world, 'heart', 100_000);
    const cancelled = endOf(world.depot.cancel('heart'));
    await world.runUntil(() => world.depot.status('kokoro').phase === 'cancelling');
    const second = world.depot.download('heart');
    expect(world.depot.status('kokoro').phase).toBe('cancelling');
    const voice = await world.run(second);
    expect(await world.run(cancelled)).toBe(null);

    // The first had let go of its request, its file and its bytes before the second asked for its first.
    const requests = ledger.seen.flatMap(({ type }, at) => (type === 'request' ? [at] : []));
    const discarded = ledger.place((each) => each.type === 'stored' && each.call === 'sweep' && each.isDone);
    const unstaged = ledger.place(({ type }) => type === 'unstaged');
    expect(requests).toHaveLength(2);
    expect(unstaged).toBeLessThan(discarded);
    expect(discarded).toBeLessThan(requests[1] ?? 0);
    expect(ledger.requests()).toEqual([null, null]);
    expect(ledger.mostOpen).toBe(1);
    const tickets = ledger.events.flatMap((event) => (event.type === 'CoreStarted' ? [event.ticket] : []));
    expect(tickets[1]).toBeGreaterThan(tickets[0] ?? 0);
    expect(voice.paths).toHaveLength(1);
    expect(wrongFiles(world, 'kokoro')).toEqual([]);
  });

  it('C1: a second cancel ends the second download, not the one before', async () => {
    const world = await createWorld({ seed: 1, catalog, diskMs: 50 });
    const ledger = ledgerOf(world);
    await downloadTo(world, 'heart', 100_000);
    void endOf(world.depot.cancel('heart'));
    begin(world, 'heart');
    await world.runUntil(() => ledger.requests().length === 2);
    await world.run(world.depot.cancel('heart'));
    await world.run();
    expect(world.depot.status('heart').phase).toBe('absent');
    expect(stagedPaths(world)).toEqual([]);
    expect(ledger.types.filter((type) => type === 'CoreCancelled')).toHaveLength(2);
    expect(ledger.requests()).toHaveLength(2);
  });

  it.each(['downloading', 'backingOff'] as const)('C2: what was cancelled while %s stays cancelled', async (phase) => {
    const world = await createWorld({ seed: 2, catalog });
    const ledger = ledgerOf(world);
    if (phase === 'backingOff') world.network.goOffline();
    begin(world, 'heart');
    await world.runUntil(() => world.depot.status('kokoro').phase === phase);
    await world.run(world.depot.cancel('heart'));
    const asked = ledger.requests().length;
    world.network.heal();
    await world.advance(24 * 3_600_000);
    await world.reopen();
    await world.advance(24 * 3_600_000);
    world.crash();
    await world.reopen();
    await world.run();
    expect(ledger.requests()).toHaveLength(asked);
    expect(world.depot.status('heart').phase).toBe('absent');
    expect(stagedPaths(world)).toEqual([]);
  });

  it.each([
    ['while it waits for a slot', 'queued', (world: World) => begin(world, 'amy')],
    ['at 0 %, before anything is asked', 'preparing', () => undefined],
    ['at 0 %, connecting', 'downloading', (world: World) => world.network.order({ trouble: 'silence' })],
    ['at 0 %, on a stalled socket', 'downloading', (world: World) => world.network.stallAfter(0)],
    ['at 50 %, on a stalled socket', 'downloading', (world: World) => world.network.stallAfter(200_000)],
    ['between two attempts', 'backingOff', (world: World) => world.network.dropAfter(100_000)],
  ] as const)('C3: cancel is prompt %s', async (where, phase, prepare) => {
    const world = await createWorld({ seed: 3, catalog, policy: { slots: 1 }, stallMs: 60_000, diskMs: 5 });
    const ledger = ledgerOf(world);
    prepare(world);
    begin(world, 'heart');
    await world.runUntil(() => world.depot.status('kokoro').phase === phase);
    if (where.includes('connecting') || where.includes('socket')) await world.advance(10_000);
    if (where.startsWith('at 0 %')) expect(world.depot.status('heart').bytesDone).toBe(0);
    if (where.startsWith('at 50 %')) expect(world.depot.status('heart').bytesDone).toBe(200_000);
    const beganMs = world.elapsedMs;
    await world.run(world.depot.cancel('heart'));
    expect(world.elapsedMs - beganMs).toBeLessThan(250);
    expect(world.depot.status('heart').phase).toBe('absent');
    expect(stagedPaths(world).filter((path) => path.includes('kokoro'))).toEqual([]);
    const asked = ledger.requests('kokoro').length;
    await world.run();
    expect(ledger.requests('kokoro')).toHaveLength(asked);
    expect(ledger.seen.filter(({ type }) => type === 'requestEnded').length).toBe(ledger.requests().length);
  });

  it('C4: cancel works three times, and every event survives being written as JSON', async () => {
    const world = await createWorld({ seed: 4, catalog });
    const ledger = ledgerOf(world);
    for (let round = 1; round <= 3; round++) {
      // Each round meets a fault of its own first: what was caught there must not stand in the way of the record.
      world.network.order(round === 1 ? { trouble: 'drop', afterBytes: 9_000 } : { trouble: 'refuse' });
      world.disk.fail('write', 'EIO', { after: round });
      begin(world, 'heart');
      await world.runUntil(() => ledger.types.filter((type) => type === 'RetryScheduled').length >= round);
      await world.run(Promise.all([1, 2, 3].map(() => world.depot.cancel('heart'))));
      expect(world.depot.status('heart').phase).toBe('absent');
      expect(ledger.types.filter((type) => type === 'VoiceCancelled')).toHaveLength(round);
      world.heal();
    }
    const written = (value: LadingEvent): unknown => JSON.parse(JSON.stringify(value));
    for (const event of ledger.events) expect(written(event)).toStrictEqual(event);
    const hash = fingerprintOf(JSON.stringify(imageOf(world.state)));
    expect(fingerprintOf(JSON.stringify(imageOf(fold({ snapshot: null, records: world.chronicle.records }))))).toBe(
      hash,
    );
  });

  it('C5: after the program died in mid-download the next one queues it again, and it goes on', async () => {
    const world = await createWorld({ seed: 5, catalog });
    const ledger = ledgerOf(world);
    await downloadTo(world, 'heart', 300_000);
    world.crash();
    expect(coreIn(world.chronicle.state, 'kokoro').phase).toBe('downloading');
    await world.reopen();
    expect(world.depot.status('kokoro').phase).toBe('downloading');
    expect(ledger.requests(), 'what says that it downloads has asked for bytes').toHaveLength(2);
    expect(world.depot.status('heart')).toMatchObject({ phase: 'waiting' });
    expect(world.depot.status('heart').reason).not.toBe(null);
    const woken = ledger.types.lastIndexOf('Woken');
    expect(ledger.types.slice(woken, woken + 3)).toEqual(['Woken', 'CoreWoken', 'CoreStarted']);
    await world.run();
    expect(world.depot.status('heart').phase).toBe('ready');
    expect(ledger.requests().at(-1)).toBeGreaterThan(200_000);
    expect(wrongFiles(world, 'kokoro')).toEqual([]);
  });

  it('C6: at each record of a history, what a restart restores is what was, and nothing finished is done again', async () => {
    const story = async (world: World): Promise<void> => {
      world.network.dropAfter(60_000, 'kokoro');
      begin(world, 'amy');
      begin(world, 'heart');
      await world.runUntil(() => world.depot.status('heart').bytesDone >= 200_000);
      await world.run(world.depot.pause('heart'));
      await world.run(world.depot.resume('heart'));
      await world.run();
    };
    const whole = await createWorld({ seed: 6, catalog });
    await story(whole);
    const length = whole.chronicle.records.length;
    expect(length).toBeGreaterThan(15);

    for (let stop = 1; stop <= length; stop++) {
      const world = await createWorld({ seed: 6, catalog });
      const ledger = ledgerOf(world);
      const died = world.runUntil(() => world.chronicle.records.length >= stop).then(() => world.crash());
      await Promise.all([endOf(died), endOf(story(world))]);
      if (world.isOpen) world.crash();
      const before = fingerprintOf(JSON.stringify(imageOf(world.chronicle.state)));
      const { records } = world.chronicle;
      expect(fingerprintOf(JSON.stringify(imageOf(fold({ snapshot: null, records }))))).toBe(before);
      const wasReady = ['heart', 'amy'].filter((id) => world.chronicle.state.voices.get(id)?.phase === 'ready');
      const asked = ledger.requests().length;
      world.heal();
      await world.reopen();
      // Complete without work: ready only with the right bytes on the disk. Finished files redone: no request for them.
      for (const id of wasReady) expect(world.depot.status(id).phase).toBe('ready');
      if (wasReady.length === 2) expect(ledger.requests()).toHaveLength(asked);
      for (const id of ['heart', 'amy']) await world.run(world.depot.download(id));
      expect([...wrongFiles(world, 'kokoro'), ...wrongFiles(world, 'piper')]).toEqual([]);
      expect(world.disk.installed('kokoro').size + world.disk.installed('piper').size).toBe(3);
      if (wasReady.includes('amy')) {
        const later = ledger.seen.slice(ledger.place(({ type }) => type === 'died'));
        expect(later.filter((each) => each.type === 'request' && each.core === 'piper')).toEqual([]);
      }
    }
  });

  it('C7: a newer program reads the journal of format 1: the queue and the partial bytes are still its own', async () => {
    const old = await createWorld({ seed: 7, catalog });
    await downloadTo(old, 'heart', 300_000);
    old.crash();
    const partial = old.disk.files().get('/depot/staging/kokoro/model.onnx') ?? new Uint8Array(0);
    const durable = coreIn(old.chronicle.state, 'kokoro').context.durable['model.onnx'];
    if (durable === undefined) throw new Error('nothing was checkpointed');
    expect(durable.bytes).toBeGreaterThan(100_000);

    // Written out here, as a program of that time wrote them, and not by what is under test.
    const revision = old.goods.catalog.core('kokoro')?.revision ?? '';
    const events: readonly (readonly object[])[] = [
      [{ type: 'Woken', epoch: 1 }],
      [
        { type: 'VoiceRequested', voice: 'heart', cores: ['kokoro'] },
        { type: 'CoreQueued', core: 'kokoro', order: 1, priority: 0 },
        { type: 'CoreStarted', core: 'kokoro', ticket: 1, revision, bytesTotal: MODEL_BYTES, keepsStaged: true },
      ],
      [{ type: 'CorePrepared', core: 'kokoro', ticket: 1, staged: {} }],
      [{ type: 'CoreCheckpointed', core: 'kokoro', ticket: 1, files: { 'model.onnx': durable }, isProgress: true }],
    ];
    let from = 0;
    const lines = events.map((each) => {
      const line = encodeLine({ v: 1, from, epoch: 1, at: 1_700_000_000_000, events: each });
      from += each.length;
      return line;
    });
    const world = new World({ seed: 7, catalog });
    const { volume } = world.memory.disk;
    volume.mkdirSync('/depot/journal', { recursive: true });
    volume.mkdirSync('/depot/staging/kokoro', { recursive: true });
    volume.writeFileSync('/depot/journal/000001.jsonl', Buffer.concat(lines));
    volume.writeFileSync('/depot/staging/kokoro/model.onnx', partial);
    const ledger = ledgerOf(world);
    await world.reopen();
    expect(world.depot.status('heart').phase).toBe('waiting');
    await world.run();
    expect(world.depot.status('heart').phase).toBe('ready');
    expect(ledger.requests()).toEqual([durable.bytes]);
    expect(wrongFiles(world, 'kokoro')).toEqual([]);
    expect(stagedPaths(world)).toEqual([]);
  });

  it('C7: a program that is too old for a journal says so, and changes nothing of it', async () => {
    const world = await createWorld({ seed: 7, catalog });
    await downloadTo(world, 'heart', 300_000);
    world.crash();
    const path = '/depot/journal/000001.jsonl';
    const written = world.disk.files().get(path) ?? new Uint8Array(0);
    // Nothing is odd about it but its format.
    const later = {
      v: 2,
      from: world.chronicle.state.position,
      epoch: 2,
      at: 0,
      events: [{ type: 'Woken', epoch: 2 }],
    };
    world.disk.memory.overwrite(path, Buffer.concat([written, encodeLine(later)]));
    const before = [...world.disk.files()].filter(([name]) => name !== '/depot/lease');
    expect(await endOf(world.reopen())).toMatchObject({ fault: { detail: 'journalCorrupt' } });
    expect([...world.disk.files()].filter(([name]) => name !== '/depot/lease')).toEqual(before);
  });

  it('C8: what waits says for what, and is looked at again when that may have changed', async () => {
    const world = await createWorld({ seed: 8, catalog, policy: { slots: 1 } });
    begin(world, 'heart');
    begin(world, 'amy');
    await world.runUntil(() => world.depot.status('heart').bytesDone > 0);
    expect(world.depot.status('piper')).toMatchObject({ phase: 'queued', reason: 'waitingForSlot' });
    expect(world.depot.status('amy')).toMatchObject({ phase: 'waiting', reason: 'queued' });
    await world.run(world.depot.pause('heart'));
    await world.run();
    expect(world.depot.status('amy').phase).toBe('ready');

    world.disk.fill();
    await world.run(world.depot.resume('heart'));
    await world.run();
    expect(world.depot.status('kokoro')).toMatchObject({ phase: 'paused', reason: 'noSpace' });
    expect(world.depot.status('heart')).toMatchObject({ phase: 'paused', reason: 'noSpace' });
    expect(world.depot.status('heart').remedy).toMatch(/Free some disk space/);
    await world.run(world.depot.resume('heart'));
    await world.run();
    expect(world.depot.status('heart')).toMatchObject({ phase: 'paused', reason: 'noSpace' });
    world.disk.free();
    await world.run(world.depot.resume('heart'));
    await world.run();
    expect(world.depot.status('heart').phase).toBe('ready');
  });

  it('C9: the network that came back while the program was dead is found by the next one by itself', async () => {
    const world = await createWorld({ seed: 9, catalog });
    world.network.goOffline();
    begin(world, 'heart');
    await world.runUntil(() => world.depot.status('kokoro').phase === 'backingOff');
    const waiting = world.depot.status('heart');
    expect(waiting).toMatchObject({ phase: 'waiting', reason: 'backingOff', fault: { type: 'networkUnreachable' } });
    expect(waiting.retryAt).toBeGreaterThan(world.memory.clock.now());
    world.crash();
    world.network.heal();
    await world.reopen();
    expect(world.depot.status('kokoro')).toMatchObject({ phase: 'backingOff', retryAt: waiting.retryAt });
    await world.run();
    expect(world.depot.status('heart').phase).toBe('ready');
  });

  it('C9: whoever is told that the network is back need not wait for the next look', async () => {
    const world = await createWorld({ seed: 9, catalog, policy: { retryBaseMs: 600_000, retryCapMs: 600_000 } });
    const ledger = ledgerOf(world);
    world.network.goOffline();
    begin(world, 'heart');
    await world.runUntil(() => world.depot.status('kokoro').phase === 'backingOff');
    world.network.heal();
    const backMs = world.elapsedMs;
    await world.run(world.depot.retry('heart'));
    await world.runUntil(() => world.depot.status('heart').phase === 'ready');
    expect(world.elapsedMs - backMs).toBeLessThan(10_000);
    expect(ledger.requests()).toEqual([null, null]);
  });

  it('C10: a file that is declared empty is fine, without a request that never ends', async () => {
    const shelf = { cores: { piper: { 'voice.onnx': 50_000, 'marker.txt': 0 } }, voices: { amy: ['piper'] } };
    const world = await createWorld({ seed: 10, catalog: shelf });
    const voice = await world.run(world.depot.download('amy'));
    expect(voice.paths).toHaveLength(2);
    expect([...world.disk.installed('piper').values()].map(({ length }) => length).sort()).toEqual([0, 50_000]);
    expect(wrongFiles(world, 'piper')).toEqual([]);
  });

  it.each([
    ['with a length of 0', (world: World, url: string) => world.network.memory.put(url, new Uint8Array(0))],
    ['cut off at once', (world: World) => world.network.order({ trouble: 'cut', afterBytes: 0 }, 'kokoro', 99)],
    [
      'without any length',
      (world: World, url: string) =>
        world.network.memory.put(url, new Uint8Array(0), { headers: { 'content-length': '' } }),
    ],
  ])('C10: no bytes at all, %s, are never success and never an end without end', async (_, empty) => {
    const world = await createWorld({ seed: 10, catalog });
    const ledger = ledgerOf(world);
    empty(world, world.network.urlsOf('kokoro')[0] ?? '');
    const ended = endOf(world.depot.download('heart'));
    expect(await world.run(ended)).toMatchObject({
      code: expect.stringMatching(/interrupted|upstreamChanged|serverError/),
    });
    await world.run();
    expect(world.depot.status('heart')).toMatchObject({ phase: 'failed', bytesDone: 0 });
    expect(world.depot.status('heart').remedy).not.toBe(null);
    expect(ledger.types).not.toContain('CoreVerified');
    expect(world.disk.installed('kokoro').size).toBe(0);
  });

  it('C11: when the network returns there is one copy, whoever asks for another attempt meanwhile', async () => {
    const world = await createWorld({ seed: 11, catalog });
    const ledger = ledgerOf(world);
    await downloadTo(world, 'heart', 100_000);
    world.network.memory.fail('*', { type: 'refuse' }, 2);
    world.network.dropAfter(0);
    await world.run(world.depot.pause('heart'));
    await world.run(world.depot.resume('heart'));
    for (let i = 0; i < 2; i++) {
      await world.runUntil(() => world.depot.status('kokoro').phase === 'backingOff');
      await world.run(Promise.all([endOf(world.depot.retry('heart')), endOf(world.depot.retry('heart'))]));
    }
    begin(world, 'heart');
    await world.run();
    expect(world.depot.status('heart').phase).toBe('ready');
    expect(ledger.mostOpen).toBe(1);
    const attempts = ledger.types.filter((type) => type === 'CoreStarted').length;
    expect(ledger.requests(), 'one request for each attempt, none of the network’s own').toHaveLength(attempts);
    expect([...world.disk.installed('kokoro').values()]).toEqual([rightBytes(world, 'kokoro', 'model.onnx')]);
    expect(world.disk.files().size).toBe([...world.disk.installed('kokoro')].length + journalFiles(world) + 1);
  });

  it('C12: the command ends with 4 and says what is wrong when the bytes are', async () => {
    const main = fileURLToPath(new URL('../../packages/cli/dist/main.js', import.meta.url));
    const root = await mkdtemp(join(tmpdir(), 'lading-wrong-'));
    const origin = await startOrigin();
    try {
      const bytes = seededBytes(12, 30_000);
      const file = {
        filename: 'm.onnx',
        url: origin.put('/m.onnx', bytes),
        sizeBytes: 30_000,
        sha256: sha256Hex(bytes),
      };
      origin.script('/m.onnx', first(99, flipByteAt(77)));
      const manifest = { version: 3, id: 'wrong', revision: 1, cores: [{ id: 'm', files: [file] }] };
      await writeFile(join(root, 'catalog.json'), JSON.stringify(manifest));
      const words = ['download', 'm', '--json', '--dir', join(root, 'depot'), '--catalog', join(root, 'catalog.json')];
      const env = { PATH: process.env['PATH'], HOME: root, LADING_RETRY_BASE_MS: '5' };
      const child = spawn(process.execPath, [main, ...words], { env, stdio: ['ignore', 'pipe', 'pipe'] });
      let said = '';
      child.stdout.on('data', (chunk: Buffer) => {
        said += chunk.toString();
      });
      const [code] = (await once(child, 'close')) as [number];
      const lines = said.trim().split('\n');
      const records = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
      expect(code).toBe(4);
      expect(records.at(-1)).toMatchObject({ type: 'result', ok: false, exitCode: 4, ready: 0 });
      expect(records).toContainEqual(expect.objectContaining({ type: 'failed', code: 'checksumMismatch' }));
      expect(records.some(({ type, phase }) => type === 'ready' || phase === 'ready')).toBe(false);
    } finally {
      await origin.close();
      await rm(root, { recursive: true, force: true });
    }
  });
});

const journalFiles = (world: World): number => world.disk.files('/depot/journal').size;
