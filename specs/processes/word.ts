/** What a contender says. */
export interface Word {
  /** It owns; it will let go; it will kill itself; another living process is where it should be alone. */
  readonly is: 'owner' | 'leaving' | 'dying' | 'crowded';
  readonly epoch?: number;
  readonly pid?: number;
  /** Monotonic microseconds, the same for all processes of the machine. */
  readonly at: number;
}
