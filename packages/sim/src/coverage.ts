import type { Observation } from './observation.js';

/** How often each thing happened. A law that never had anything to look at has proved nothing. */
export class Coverage {
  private readonly counts = new Map<string, number>();

  private count(what: string): this {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1);
    return this;
  }

  readonly see = (observation: Observation): void => {
    switch (observation.type) {
      case 'record':
        for (const event of observation.record.events) {
          this.count(event.type);
          if ((event.type === 'RetryScheduled' || event.type === 'CoreFailed') && event.fault !== null)
            this.count(`fault ${event.fault.type}`).count(`detail ${event.fault.detail}`);
          if (event.type === 'CorePaused' && event.reason === 'noSpace') this.count('fault noSpace');
        }
        for (const effect of observation.effects) this.count(`effect ${effect.type}`);
        break;
      case 'act':
        this.count(`act ${observation.act.do}`);
        if (observation.act.do === 'network') this.count(`trouble ${observation.act.trouble.trouble}`);
        break;
      case 'answer':
        this.count(`answer ${observation.code}`);
        break;
      case 'died':
        this.count(`died by ${observation.how}`);
        break;
      case 'reset':
      case 'dropped':
      case 'broken':
      case 'notOpened':
        this.count(observation.type);
        break;
      case 'request':
        if ((observation.from ?? 0) > 0) this.count('resumed request');
        if (observation.to !== null) this.count('bounded request');
        break;
      case 'response':
        if (observation.requests > 1) this.count('redirected response');
        break;
      default:
    }
  };

  get(what: string): number {
    return this.counts.get(what) ?? 0;
  }

  /** Everything that happened, by name. */
  entries(): readonly (readonly [string, number])[] {
    return [...this.counts].sort(([a], [b]) => (a < b ? -1 : 1));
  }
}
