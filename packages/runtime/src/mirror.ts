import { type Catalog, type DepotState, type LiveBytes, replay, type StateImage, stateOf } from '@lading/core';
import type { SchedulerLike } from 'rxjs';
import type { Depot } from './depot.js';
import type { Keeper } from './keeper.js';
import { OpenDepot } from './open-depot.js';
import type { JournalRecord } from './ports.js';
import { keysOfEvent, Signals } from './signals.js';
import { EVERYTHING, Streams } from './streams.js';
import { View } from './view.js';

export interface MirrorOptions {
  readonly catalog: Catalog;
  /** The owner's state when this one joined. */
  readonly image: StateImage;
  readonly keeper: Keeper;
  readonly locate: (core: string, generation: string, file: string) => string;
  /** Closes the depot where it is kept, or lets go of it. */
  readonly stop: () => Promise<void>;
  readonly scheduler?: SchedulerLike;
}

/**
 * A depot that is kept elsewhere (in a worker, in another tab) and looks the same here: it folds the owner's records into a state of its own,
 * which by the first law is the owner's, and sends what it is asked to the keeper. Refuses a gap in what it is told.
 */
export class Mirror {
  readonly depot: Depot;
  private state: DepotState;
  private readonly flows = new Map<string, LiveBytes>();
  private readonly signals = new Signals();
  private readonly streams: Streams;
  private failure: { readonly error: unknown } | null = null;

  constructor({ catalog, image, keeper, locate, stop, scheduler }: MirrorOptions) {
    this.state = stateOf(image);
    this.streams = new Streams(this.signals, scheduler);
    const read = () => this.state;
    this.depot = new OpenDepot({
      view: new View(catalog, read, locate, (core) => this.flows.get(core)),
      keeper,
      signals: this.signals,
      streams: this.streams,
      stop,
      release: () => Promise.resolve(),
      failure: () => this.failure,
    });
  }

  /** Takes over what the owner recorded; records that the image held already are passed over. */
  follow(records: readonly JournalRecord[]): void {
    const fresh = records.filter((record) => record.from >= this.state.position);
    for (const record of fresh) {
      if (record.from !== this.state.position)
        throw new Error(`events ${this.state.position} to ${record.from} of the owner were not told`);
      this.state = replay(this.state, record.events);
    }
    for (const record of fresh) this.streams.publish(record);
    this.signals.wake([...fresh.flatMap((record) => record.events.flatMap(keysOfEvent)), EVERYTHING]);
  }

  /** Joins again, perhaps another owner: its state counts, and what was missed is not told as events. */
  rejoin(image: StateImage): void {
    this.state = stateOf(image);
    this.flows.clear();
    this.signals.wakeAll();
  }

  /** Live bytes of a running transfer. */
  flow(core: string, live: LiveBytes): void {
    this.flows.set(core, live);
    this.signals.wake([core]);
  }

  /** The owner is gone for good: whoever waits is told why. */
  break(error: unknown): void {
    this.failure ??= { error };
    this.signals.wakeAll();
  }
}
