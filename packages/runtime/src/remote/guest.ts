import type { Catalog, Command, Refusal } from '@lading/core';
import { type DepotState, EMPTY_STATE, LadingError, type LiveBytes, replay } from '@lading/core';
import type { SchedulerLike } from 'rxjs';
import { DepotClosed } from '../conductor.js';
import type { Depot } from '../depot.js';
import type { Inspection } from '../inspection.js';
import { fold } from '../journal-format.js';
import { OpenDepot } from '../open-depot.js';
import type { Owner } from '../owner.js';
import type { JournalRecord, Usage } from '../ports.js';
import { keysOfEvent, Signals } from '../signals.js';
import { EVERYTHING, Streams } from '../streams.js';
import { View } from '../view.js';
import type { Channel } from './channel.js';
import { type Answer, type Ask, LANGUAGE, type OwnerWord, wordOf } from './words.js';

export interface GuestOptions {
  readonly channel: Channel;
  readonly catalog: Catalog;
  /** A name that no other guest of the channel has. */
  readonly name: string;
  /** Where an engine finds an installed file. */
  readonly locate: (core: string, generation: string, file: string) => string;
  readonly scheduler?: SchedulerLike;
  /** Gives up waiting for an owner. */
  readonly signal?: AbortSignal;
}

interface Call {
  readonly ask: Ask;
  /** An owner before this one may have done it, and not lived to say so. */
  isAgain: boolean;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** Refused because it is done already. */
const DONE: ReadonlySet<Refusal['code']> = new Set(['nothingToDo', 'notInstalled']);

/**
 * A depot whose owner is elsewhere. Its state is the owner's records folded again; what changes something is asked of the owner. Owners come
 * and go: what one has not answered is asked of the next.
 */
class Guest implements Owner {
  state: DepotState = EMPTY_STATE;
  private readonly lives = new Map<string, LiveBytes>();
  /** Of the owner that is listened to; null while there is none. */
  private epoch: number | null = null;
  private newest = 0;
  private readonly calls = new Map<number, Call>();
  private count = 0;
  /** Answers that rest on records which have not come yet. */
  private early: Extract<OwnerWord, { type: 'answer' }>[] = [];
  private readonly stop: () => void;
  private welcome: () => void = () => undefined;
  readonly welcomed = new Promise<void>((resolve) => (this.welcome = resolve));

  constructor(
    private readonly options: GuestOptions,
    private readonly signals: Signals,
    private readonly streams: Streams,
  ) {
    this.stop = options.channel.listen((heard) => this.hear(heard));
    this.join();
  }

  readonly live = (core: string): LiveBytes | undefined => this.lives.get(core);

  private join(): void {
    this.options.channel.post({ v: LANGUAGE, type: 'join', guest: this.options.name });
  }

  private hear(heard: unknown): void {
    const word = wordOf(heard);
    if (word === null || word.type === 'join' || word.type === 'call') return;
    // An owner that was replaced may still speak: it is not believed.
    if (word.epoch < this.newest) return;
    if (word.type === 'hello') return this.greet(word);
    if (word.epoch !== this.epoch) return this.join();
    switch (word.type) {
      case 'record':
        return this.follow(word.record);
      case 'live':
        return this.flow(word.live);
      case 'answer':
        if (word.guest !== this.options.name) return;
        if (word.position > this.state.position) this.early.push(word);
        else this.settle(word.call, word.answer);
        return;
      case 'bye':
        this.epoch = null;
        return;
      default:
        word satisfies never;
    }
  }

  private greet({ epoch, image, live }: Extract<OwnerWord, { type: 'hello' }>): void {
    const isNew = epoch !== this.epoch;
    this.epoch = epoch;
    this.newest = epoch;
    if (isNew || image.position > this.state.position) this.state = fold({ snapshot: image, records: [] });
    this.lives.clear();
    for (const [core, bytes] of Object.entries(live)) this.lives.set(core, bytes);
    if (isNew) this.askAgain();
    this.signals.wakeAll();
    this.settleEarly();
    this.welcome();
  }

  private follow(record: JournalRecord): void {
    if (record.from < this.state.position) return;
    // Words were lost: the whole is asked for again.
    if (record.from > this.state.position) return this.join();
    this.state = replay(this.state, record.events);
    this.streams.publish(record);
    this.signals.wake([...record.events.flatMap(keysOfEvent), EVERYTHING]);
    this.settleEarly();
  }

  private flow(live: Readonly<Record<string, LiveBytes | null>>): void {
    for (const [core, bytes] of Object.entries(live)) {
      if (bytes === null) this.lives.delete(core);
      else this.lives.set(core, bytes);
    }
    this.signals.wake(Object.keys(live));
  }

  private settleEarly(): void {
    const due = this.early.filter(({ position }) => position <= this.state.position);
    this.early = this.early.filter(({ position }) => position > this.state.position);
    for (const { call, answer } of due) this.settle(call, answer);
  }

  private settle(number: number, answer: Answer): void {
    const call = this.calls.get(number);
    if (call === undefined) return;
    this.calls.delete(number);
    if ('error' in answer) {
      const { message, fault, ...rest } = answer.error;
      return call.reject(new LadingError(message, fault === null ? rest : { ...rest, fault }));
    }
    const refusal = answer.value as Refusal | null;
    const isDone = call.isAgain && call.ask.do === 'command' && refusal !== null && DONE.has(refusal.code);
    call.resolve(isDone ? null : answer.value);
  }

  private askAgain(): void {
    this.early = [];
    for (const [number, call] of this.calls) {
      this.post(number, call.ask);
      call.isAgain = true;
    }
  }

  private post(call: number, ask: Ask): void {
    const { channel, name } = this.options;
    if (this.epoch !== null) channel.post({ v: LANGUAGE, type: 'call', guest: name, call, epoch: this.epoch, ask });
  }

  private ask<T>(ask: Ask): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const number = ++this.count;
      this.calls.set(number, { ask, isAgain: false, resolve: resolve as (value: unknown) => void, reject });
      this.post(number, ask);
    });
  }

  command(command: Command): Promise<Refusal | null> {
    return this.ask({ do: 'command', command });
  }

  verify(cores: readonly string[]): Promise<readonly Inspection[]> {
    return this.ask({ do: 'verify', cores });
  }

  setAside(damaged: readonly Inspection[]): Promise<void> {
    return this.ask({ do: 'setAside', damaged });
  }

  clean(): Promise<number> {
    return this.ask({ do: 'clean' });
  }

  usage(): Promise<Usage> {
    return this.ask({ do: 'usage' });
  }

  /** The owner goes on without this guest. */
  async close(): Promise<void> {
    this.stop();
    this.options.channel.close();
    for (const { reject } of this.calls.values()) reject(new DepotClosed());
    this.calls.clear();
  }
}

/** A full depot whose owner is elsewhere. Resolves when an owner has told its state; rejects with the signal's reason. */
export async function joinDepot(options: GuestOptions): Promise<Depot> {
  const { catalog, locate, scheduler, signal } = options;
  signal?.throwIfAborted();
  const signals = new Signals();
  const streams = new Streams(signals, scheduler);
  const guest = new Guest(options, signals, streams);
  const givenUp = new Promise<never>((_, reject) =>
    signal?.addEventListener('abort', () => reject(signal.reason), { once: true }),
  );
  try {
    await Promise.race([guest.welcomed, givenUp]);
  } catch (error) {
    await guest.close();
    throw error;
  }
  const view = new View(catalog, () => guest.state, locate, guest.live);
  return new OpenDepot({ view, owner: guest, signals, streams, failure: () => null });
}
