import { type DepotState, errorOfFault, imageOf, LadingError, type Live, type LiveBytes } from '@lading/core';
import { type SchedulerLike, Subject, type Subscription, throttleTime } from 'rxjs';
import { DepotClosed } from '../conductor.js';
import { FaultError } from '../fault-error.js';
import type { Owner } from '../owner.js';
import type { JournalRecord } from '../ports.js';
import type { Channel } from './channel.js';
import { type Answer, type Ask, LANGUAGE, type OwnerWord, type SpokenError, wordOf } from './words.js';

/** Live bytes are told at most so often, milliseconds. */
const LIVE_MS = 100;

export interface HostOptions {
  readonly channel: Channel;
  readonly owner: Owner;
  readonly epoch: number;
  readonly state: () => DepotState;
  readonly live: Live;
  readonly scheduler: SchedulerLike;
}

type Telling = OwnerWord extends infer W ? (W extends OwnerWord ? Omit<W, 'v' | 'epoch'> : never) : never;

/** The owner's end of a channel: tells guests every record and what is flowing, and does what they ask. */
export class Host {
  private readonly flowing = new Set<string>();
  private readonly flows = new Subject<void>();
  private readonly flowsHeard: Subscription;
  private readonly stop: () => void;

  constructor(private readonly options: HostOptions) {
    this.stop = options.channel.listen((heard) => this.hear(heard));
    this.flowsHeard = this.flows
      .pipe(throttleTime(LIVE_MS, options.scheduler, { leading: true, trailing: true }))
      .subscribe(() => this.tellLive());
    this.hello();
  }

  private tell(word: Telling): void {
    this.options.channel.post({ v: LANGUAGE, epoch: this.options.epoch, ...word });
  }

  private hello(): void {
    const { state, live } = this.options;
    const flowing: Record<string, LiveBytes> = {};
    for (const core of state().cores.keys()) {
      const bytes = live(core);
      if (bytes !== undefined) flowing[core] = bytes;
    }
    this.tell({ type: 'hello', image: imageOf(state()), live: flowing });
  }

  record(record: JournalRecord): void {
    this.tell({ type: 'record', record });
  }

  /** The live bytes of a core are not what they were. */
  flow(core: string): void {
    this.flowing.add(core);
    this.flows.next();
  }

  private tellLive(): void {
    const live = Object.fromEntries([...this.flowing].map((core) => [core, this.options.live(core) ?? null]));
    this.flowing.clear();
    this.tell({ type: 'live', live });
  }

  private hear(heard: unknown): void {
    const word = wordOf(heard);
    // Also to who speaks another language: he hears at least that there is an owner, and of which release.
    if ((heard as { type?: unknown } | null)?.type === 'join') this.hello();
    if (word?.type === 'call' && word.epoch === this.options.epoch) void this.answer(word.guest, word.call, word.ask);
  }

  private async answer(guest: string, call: number, ask: Ask): Promise<void> {
    const answer = await this.outcomeOf(ask);
    // The next owner will be asked.
    if (answer === null) return;
    this.tell({ type: 'answer', guest, call, position: this.options.state().position, answer });
  }

  private async outcomeOf(ask: Ask): Promise<Answer | null> {
    try {
      return { value: await this.carryOut(ask) };
    } catch (error) {
      return error instanceof DepotClosed ? null : { error: spoken(error) };
    }
  }

  private carryOut(ask: Ask): Promise<unknown> {
    const { owner } = this.options;
    switch (ask.do) {
      case 'command':
        return owner.command(ask.command);
      case 'verify':
        return owner.verify(ask.cores);
      case 'setAside':
        return owner.setAside(ask.damaged);
      case 'clean':
        return owner.clean();
      case 'usage':
        return owner.usage();
      default:
        return ask satisfies never;
    }
  }

  /** Nobody answers here any more. */
  close(): void {
    this.stop();
    this.flowsHeard.unsubscribe();
    this.tell({ type: 'bye' });
  }
}

function spoken(error: unknown): SpokenError {
  const known = error instanceof FaultError ? errorOfFault(error.fault, 'the depot') : error;
  if (known instanceof LadingError) {
    const { message, code, remedy, fault } = known;
    return { message, code, remedy, fault };
  }
  return {
    message: known instanceof Error ? known.message : String(known),
    code: 'unknown',
    remedy: 'Try again.',
    fault: null,
  };
}
