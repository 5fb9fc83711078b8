import type { Catalog, Command, Fault, Refusal } from '@lading/core';
import { type DepotState, EMPTY_STATE, LadingError, type LiveBytes, replay } from '@lading/core';
import type { SchedulerLike } from 'rxjs';
import { type Circumstances, type Halt, ORDINARY } from '../circumstances.js';
import { DepotClosed } from '../conductor.js';
import type { Depot } from '../depot.js';
import type { Export } from '../export.js';
import { faultOf } from '../fault-error.js';
import type { Imported } from '../import.js';
import type { Inspection } from '../inspection.js';
import { fold } from '../journal-format.js';
import { OpenDepot } from '../open-depot.js';
import type { Owner } from '../owner.js';
import type { JournalRecord, Usage } from '../ports.js';
import { bytesOf, keysOfRecord, Signals } from '../signals.js';
import { Streams } from '../streams.js';
import { View } from '../view.js';
import type { Channel } from './channel.js';
import { type Answer, type Ask, isForeign, LANGUAGE, type OwnerWord, wordOf } from './words.js';

export interface GuestOptions {
  readonly channel: Channel;
  readonly catalog: Catalog;
  /** A name that no other guest of the channel has. */
  readonly name: string;
  /** Where an engine finds an installed file. */
  readonly locate: (core: string, generation: string, file: string) => string;
  readonly scheduler?: SchedulerLike;
  /** What this platform cannot promise; every status says it. */
  readonly caveat?: string;
  /** Gives up waiting for an owner. */
  readonly signal?: AbortSignal;
  /** It has failed, or heard an owner of another release: nothing happens here from now on. */
  readonly onBroken?: (error: unknown) => void;
}

/** A depot whose owner is elsewhere, and what only the platform knows to tell it. */
export interface Joining {
  /** Resolves when an owner has told its state; rejects with the signal's reason, or with what it was failed with. */
  readonly depot: Promise<Depot>;
  /** Words may have been missed, as in a page that was frozen: the owner is asked for the whole again. */
  again(): void;
  /** There will be no owner any more: whatever waits here is told why. */
  fail(error: unknown): void;
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
  /** The owner that was asked for the whole and has not told it yet: what it says until then is in what it will tell. */
  private asked: number | null = null;
  private readonly calls = new Map<number, Call>();
  private count = 0;
  /** Answers that rest on records which have not come yet. */
  private early: Extract<OwnerWord, { type: 'answer' }>[] = [];
  private readonly stop: () => void;
  private welcome: () => void = () => undefined;
  private turnAway: (error: unknown) => void = () => undefined;
  readonly welcomed = new Promise<void>((resolve, reject) => {
    this.welcome = resolve;
    this.turnAway = reject;
  });
  failure: { readonly error: unknown } | null = null;

  constructor(
    private readonly options: GuestOptions,
    readonly signals: Signals,
    readonly streams: Streams,
  ) {
    this.stop = options.channel.listen((heard) => this.hear(heard));
    this.again();
  }

  get circumstances(): Circumstances {
    const { halt } = this;
    const { caveat = null } = this.options;
    return halt === null && caveat === null ? ORDINARY : { halt, caveat };
  }

  private get halt(): Halt | null {
    if (this.failure !== null) return { reason: 'journalBroken', fault: faultIn(this.failure.error) };
    return this.epoch === null ? { reason: 'noOwner' } : null;
  }

  readonly live = (core: string): LiveBytes | undefined => this.lives.get(core);

  /** Whoever is the owner is a new one to us: answers may have been missed too, so all that waits is asked again. */
  again(): void {
    this.epoch = null;
    this.asked = null;
    this.options.channel.post({ v: LANGUAGE, type: 'join', guest: this.options.name });
  }

  private join(epoch: number): void {
    if (this.asked === epoch) return;
    this.asked = epoch;
    this.options.channel.post({ v: LANGUAGE, type: 'join', guest: this.options.name });
  }

  private hear(heard: unknown): void {
    if (isForeign(heard, this.newest)) return this.fail(otherRelease());
    const word = wordOf(heard);
    if (word === null || word.type === 'join' || word.type === 'call') return;
    // An owner that was replaced may still speak: it is not believed.
    if (word.epoch < this.newest) return;
    if (word.type === 'hello') return this.greet(word);
    if (word.epoch !== this.epoch) return this.join(word.epoch);
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
        this.lives.clear();
        this.signals.wakeAll();
        return;
      default:
        word satisfies never;
    }
  }

  private greet({ epoch, image, live }: Extract<OwnerWord, { type: 'hello' }>): void {
    const isNew = epoch !== this.epoch;
    this.epoch = epoch;
    this.newest = epoch;
    this.asked = null;
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
    if (record.from > this.state.position) return this.join(record.epoch);
    this.state = replay(this.state, record.events);
    this.streams.publish(record);
    this.signals.wake(keysOfRecord(record.events));
    this.settleEarly();
  }

  private flow(live: Readonly<Record<string, LiveBytes | null>>): void {
    for (const [core, bytes] of Object.entries(live)) {
      if (bytes === null) this.lives.delete(core);
      else this.lives.set(core, bytes);
    }
    this.signals.wake(Object.keys(live).map(bytesOf));
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
    if (this.failure !== null) return Promise.reject(this.failure.error);
    return new Promise<T>((resolve, reject) => {
      const number = ++this.count;
      this.calls.set(number, { ask, isAgain: false, resolve: resolve as (value: unknown) => void, reject });
      this.post(number, ask);
    });
  }

  async command(command: Command): Promise<Refusal | null> {
    const refusal = await this.ask<Refusal | null>({ do: 'command', command });
    if (refusal?.code !== 'unknownId' || !this.options.catalog.knows(command.id)) return refusal;
    return {
      ...refusal,
      message: `the program that owns the depot has another catalog, in which nothing is called "${command.id}"`,
      remedy: 'Reload the other tabs of this site, or close them: then this one may become the owner.',
    };
  }

  verify(cores: readonly string[]): Promise<readonly Inspection[]> {
    return this.ask({ do: 'verify', cores });
  }

  setAside(damaged: readonly Inspection[]): Promise<void> {
    return this.ask({ do: 'setAside', damaged });
  }

  /** Records and commands go through the channel, the bytes of files do not. */
  import(): Promise<Omit<Imported, 'ids'>> {
    return Promise.reject(notHere('imported'));
  }

  export(): Promise<Export> {
    return Promise.reject(notHere('exported'));
  }

  clean(): Promise<number> {
    return this.ask({ do: 'clean' });
  }

  usage(): Promise<Usage> {
    return this.ask({ do: 'usage' });
  }

  fail(error: unknown): void {
    if (this.failure !== null) return;
    this.failure = { error };
    this.turnAway(error);
    this.rejectAll(error);
    this.signals.wakeAll();
    this.options.onBroken?.(error);
  }

  private rejectAll(error: unknown): void {
    for (const { reject } of this.calls.values()) reject(error);
    this.calls.clear();
  }

  /** The owner goes on without this guest. */
  async close(): Promise<void> {
    this.stop();
    this.options.channel.close();
    this.failure ??= { error: new DepotClosed() };
    this.rejectAll(this.failure.error);
  }
}

const faultIn = (error: unknown): Fault =>
  error instanceof LadingError && error.fault !== null ? error.fault : faultOf(error);

const notHere = (what: 'imported' | 'exported'): LadingError =>
  new LadingError(`files cannot be ${what} from here: another program owns the depot`, {
    code: 'notHere',
    remedy: 'Ask the program that owns it, or use `lading import` and `lading export` when it is closed.',
  });

const otherRelease = (): LadingError =>
  new LadingError('another release of this program owns the depot, and speaks another language', {
    code: 'otherRelease',
    remedy: 'Reload this page and the others, or close them.',
  });

/** Joins a depot whose owner is elsewhere: a full depot, but for who does its work. */
export function joinDepot(options: GuestOptions): Joining {
  const signals = new Signals();
  const guest = new Guest(options, signals, new Streams(signals, options.scheduler));
  return {
    depot: welcomed(guest, options),
    again: () => guest.again(),
    fail: (error) => guest.fail(error),
  };
}

async function welcomed(guest: Guest, { catalog, locate, signal }: GuestOptions): Promise<Depot> {
  const giveUp = () => guest.fail(signal?.reason);
  signal?.addEventListener('abort', giveUp, { once: true });
  if (signal?.aborted === true) giveUp();
  try {
    await guest.welcomed;
  } catch (error) {
    await guest.close();
    throw error;
  } finally {
    signal?.removeEventListener('abort', giveUp);
  }
  const { signals, streams } = guest;
  const view = new View(
    catalog,
    () => guest.state,
    locate,
    guest.live,
    () => guest.circumstances,
  );
  return new OpenDepot({ view, owner: guest, signals, streams, failure: () => guest.failure });
}
