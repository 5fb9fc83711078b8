/** What happened in the golden journals: each story is told to a stage, and ends in the phases that stand beside it. */
import { bytesOf, goodsOf, MODEL_BYTES, type Stage } from './stage.js';

export interface Story {
  readonly name: string;
  readonly tell: (stage: Stage) => Promise<void>;
  /** The phases of voices and cores in which it ends. */
  readonly ending: Readonly<Record<string, string>>;
}

const half = MODEL_BYTES / 2;
const refused = (): undefined => undefined;

export const STORIES: readonly Story[] = [
  {
    name: 'plain-download',
    ending: { aria: 'ready', basil: 'ready', model: 'ready', tables: 'ready', phonemes: 'ready' },
    tell: async (stage) => {
      const depot = await stage.open(goodsOf());
      await stage.run(depot.download('aria'));
      await stage.run(depot.download('basil'));
      await stage.run(depot.close());
    },
  },
  {
    name: 'resume-after-kill',
    ending: { aria: 'ready', model: 'ready', tables: 'ready' },
    tell: async (stage) => {
      stage.trouble('/model.onnx', { type: 'drop', afterBytes: half });
      await stage.killedAt(goodsOf(), 'aria', 'RetryScheduled');
      const depot = await stage.open(goodsOf());
      await stage.run(depot.download('aria'));
      await stage.run(depot.close());
    },
  },
  {
    name: 'pause-cancel-retry',
    ending: { aria: 'ready', model: 'ready', tables: 'ready' },
    tell: async (stage) => {
      const depot = await stage.open(goodsOf());
      stage.trouble('/model.onnx', { type: 'stall', afterBytes: half });
      depot.download('aria').catch(refused);
      await stage.run(bytesOf(depot, 'model', half));
      await stage.run(depot.pause('aria'));
      stage.trouble('/model.onnx', { type: 'stall', afterBytes: half / 2 });
      await stage.run(depot.resume('aria'));
      await stage.run(bytesOf(depot, 'model', half + half / 2));
      await stage.run(depot.cancel('aria'));
      stage.trouble(
        '/model.onnx',
        { type: 'status', status: 503, retryAfterSeconds: 1 },
        { type: 'status', status: 404 },
      );
      await stage.run(depot.download('aria').catch(refused));
      await stage.run(depot.retry('aria'));
      await stage.run(depot.download('aria'));
      await stage.run(depot.close());
    },
  },
  {
    name: 'delete-while-shared',
    ending: { basil: 'ready', model: 'ready', tables: 'absent', phonemes: 'ready' },
    tell: async (stage) => {
      const depot = await stage.open(goodsOf());
      await stage.run(Promise.all([depot.download('aria'), depot.download('basil')]));
      await stage.run(depot.delete('aria'));
      await stage.run(depot.close());
    },
  },
  {
    name: 'update-beside-ready',
    ending: { aria: 'ready', model: 'ready', tables: 'ready' },
    tell: async (stage) => {
      const first = await stage.open(goodsOf(1));
      await stage.run(first.download('aria'));
      await stage.run(first.close());
      const second = await stage.open(goodsOf(2));
      stage.trouble('/model-2.onnx', { type: 'drop', afterBytes: half });
      await stage.run(second.download('aria'));
      await stage.run(second.close());
    },
  },
  {
    name: 'failed-verification',
    ending: { aria: 'ready', cleo: 'failed', own: 'failed', model: 'ready', tables: 'ready' },
    tell: async (stage) => {
      const depot = await stage.open(goodsOf());
      stage.trouble('/model.onnx', { type: 'flip', atByte: 7 });
      stage.trouble('/own.onnx', { type: 'flip', atByte: 7 }, { type: 'flip', atByte: 8 });
      await stage.run(depot.download('aria'));
      await stage.run(depot.download('cleo').catch(refused));
      await stage.run(depot.close());
    },
  },
  {
    // So many lives that the oldest records are gone from the disk: the recording begins at a snapshot.
    name: 'snapshot-and-compaction',
    ending: { aria: 'ready', cleo: 'ready', model: 'ready', tables: 'ready', own: 'ready' },
    tell: async (stage) => {
      for (let life = 0; life < 11; life++) {
        const depot = await stage.open(goodsOf());
        if (life === 0) await stage.run(depot.download('aria'));
        else if (life % 2 === 1) await stage.run(depot.download('cleo'));
        else await stage.run(depot.delete('cleo'));
        await stage.run(depot.close());
        await stage.compact();
      }
      const depot = await stage.open(goodsOf());
      await stage.run(depot.download('cleo'));
      await stage.run(depot.close());
    },
  },
  {
    name: 'force-delete',
    ending: { aria: 'ready', basil: 'unavailable', model: 'ready', tables: 'ready', phonemes: 'ready' },
    tell: async (stage) => {
      const depot = await stage.open(goodsOf());
      await stage.run(depot.download('aria'));
      await stage.run(depot.download('basil'));
      await stage.run(depot.delete('model', { force: true }));
      await stage.run(depot.download('aria'));
      await stage.run(depot.close());
    },
  },
];
