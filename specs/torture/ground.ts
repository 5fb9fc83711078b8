/** What is installed under torture: an origin, the catalog it serves, and the depots that a victim begins with. */
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { holdAfter } from '../origin/behaviour.js';
import { closedGate } from '../origin/gate.js';
import { type Origin, startOrigin } from '../origin/origin.js';
import { seededBytes, sha256Hex } from '../origin/seeded-bytes.js';
import { tarGz } from '../scenarios/tar.js';
import { catalogOf } from '../scenarios/world.js';
import { live } from './victim.js';

const MODEL = seededBytes(1, 200_000);
const CONTENTS = {
  engine: { 'model.onnx': MODEL, 'tokens.txt': seededBytes(2, 900), 'data/lexicon.bin': seededBytes(3, 70_000) },
  heart_voice: { 'heart.bin': seededBytes(4, 20_000) },
  speech_data: {
    phontab: seededBytes(5, 40_000),
    'lang/en': seededBytes(6, 300),
    'lang/roa/it': seededBytes(7, 90_000),
  },
} as const;

export const SCENARIOS = ['fresh', 'resumed', 'archive'] as const;
export type Scenario = (typeof SCENARIOS)[number];
export const WANTED: Readonly<Record<Scenario, string>> = { fresh: 'heart', resumed: 'heart', archive: 'amy' };

function serve(origin: Origin): object {
  const file = (core: string, filename: string, bytes: Uint8Array) => ({
    filename,
    url: origin.put(`/${core}/${filename}`, bytes),
    sizeBytes: bytes.length,
    sha256: sha256Hex(bytes),
  });
  const filesOf = (core: 'engine' | 'heart_voice') =>
    Object.entries(CONTENTS[core]).map(([name, bytes]) => file(core, name, bytes));
  const archive = tarGz(CONTENTS.speech_data);
  const { filename: _, ...packed } = file('speech_data', 'speech.tar.gz', archive);
  return {
    cores: [
      { id: 'engine', type: 'engine_core', files: filesOf('engine') },
      { id: 'heart_voice', type: 'voice_model', files: filesOf('heart_voice') },
      { id: 'speech_data', type: 'engine_dependency', ...packed, extractType: 'tar.gz' },
    ],
    voices: [
      { id: 'heart', coreRequirements: ['engine', 'heart_voice'] },
      { id: 'amy', coreRequirements: ['speech_data'] },
    ],
  };
}

export class Ground implements AsyncDisposable {
  private depots = 0;

  private constructor(
    private readonly root: string,
    readonly origin: Origin,
    readonly shelf: object,
  ) {}

  static async make(): Promise<Ground> {
    const origin = await startOrigin();
    const shelf = serve(origin);
    origin.put('/catalog.json', Buffer.from(JSON.stringify({ version: 3, id: 'torture', revision: 1, ...shelf })));
    const ground = new Ground(await mkdtemp(join(tmpdir(), 'lading-torture-')), origin, shelf);
    await ground.stageHalf();
    return ground;
  }

  get catalog() {
    return catalogOf(this.shelf as never, `${this.origin.url}/catalog.json`);
  }

  private get half(): string {
    return join(this.root, 'half-staged');
  }

  /** A depot in which the model is half there, recorded and durable, as Ctrl-C leaves it. */
  private async stageHalf(): Promise<void> {
    const { origin } = this;
    origin.script('/engine/model.onnx', holdAfter(MODEL.length / 2, closedGate()));
    const halfSent = (async () => {
      const request = await origin.arrival('/engine/model.onnx');
      while (request.bytesSent < MODEL.length / 2) await new Promise((resolve) => setTimeout(resolve, 5));
    })();
    const { code, signal, isHung, stderr } = await live(this.wordsFor('resumed', this.half), null, {
      stopAfter: halfSent,
    });
    if (code !== 130)
      throw new Error(
        `a download that is interrupted ends with 130, found ${code ?? signal}${isHung ? ', hung' : ''}: ${stderr}`,
      );
    origin.script('/engine/model.onnx');
  }

  wordsFor(scenario: Scenario, dir: string): readonly string[] {
    return ['download', WANTED[scenario], '--dir', dir, '--catalog', `${this.origin.url}/catalog.json`];
  }

  /** A new depot as the scenario begins; its files belong to the caller. */
  async depotFor(scenario: Scenario): Promise<string> {
    const dir = join(this.root, `depot-${this.depots++}`);
    if (scenario === 'resumed') await cp(this.half, dir, { recursive: true });
    return dir;
  }

  /** The digest of a file by its core and its name, or undefined if nothing of that name may be there. */
  digestOf(core: string, file: string): string | undefined {
    const bytes = (CONTENTS as Readonly<Record<string, Readonly<Record<string, Uint8Array>>>>)[core]?.[file];
    return bytes === undefined ? undefined : sha256Hex(bytes);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.origin.close();
    await rm(this.root, { recursive: true, force: true });
  }
}
