import { type SchedulerAction, type SchedulerLike, Subscription } from 'rxjs';
import type { VirtualClock } from './clock.js';

/** One piece of work of a stream; may be set again from within, as intervals do. */
class ClockAction<T> extends Subscription implements SchedulerAction<T> {
  private callOff: () => void = () => undefined;

  constructor(
    private readonly clock: VirtualClock,
    private readonly work: (this: SchedulerAction<T>, state: T) => void,
  ) {
    super(() => this.callOff());
  }

  schedule(state?: T, delay = 0): Subscription {
    if (this.closed) return this;
    let isSetAgain = false;
    this.callOff();
    this.callOff = this.clock.after(delay, () => {
      this.callOff = () => {
        isSetAgain = true;
      };
      this.work(state as T);
      if (!isSetAgain && !this.closed) this.unsubscribe();
    });
    return this;
  }
}

/** Streams in simulated time: what the runtime's streams throttle by. */
export function schedulerOf(clock: VirtualClock): SchedulerLike {
  return {
    now: () => clock.now(),
    schedule: (work, delay, state) => new ClockAction(clock, work).schedule(state, delay),
  };
}
