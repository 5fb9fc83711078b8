/** All laws at once: worlds from a seed that nobody has seen before, and those that once broke a law. */
import { readdirSync, readFileSync } from 'node:fs';
import { LAWS, play, runWorlds, type Script, scriptOf, shrink, storyOf } from '@lading/sim';
import { describe, expect, it } from 'vitest';

const seed = Number(process.env['LADING_SEED'] ?? crypto.getRandomValues(new Uint32Array(1))[0]);
const worlds = Number(process.env['LADING_WORLDS'] ?? 3_000);

/** What must have happened many times in so many worlds, or the laws have looked at nothing. */
const SEEN = {
  VoiceReady: 1,
  CoreInstalled: 1,
  CoreExtracted: 0.3,
  RetryScheduled: 0.2,
  CoreFailed: 0.05,
  CorePaused: 0.2,
  CoreCancelled: 0.05,
  CoreDeleted: 0.05,
  CoreLost: 0.01,
  VoiceUnavailable: 0.02,
  VoiceFailed: 0.05,
  VoiceResumed: 0.05,
  'died by powerCut': 0.1,
  'died by kill': 0.05,
  'died by crash': 0.05,
  'resumed request': 0.1,
  'fault checksumMismatch': 0.02,
  'fault noSpace': 0.05,
  'fault stalled': 0.02,
  broken: 0.01,
  'redirected response': 0.02,
  'detail redirectLoop': 0.002,
  'detail redirectRefused': 0.002,
  'trouble hangUp': 0.02,
  'trouble late': 0.02,
};

describe('a simulated world', () => {
  it(`breaks no law (seed ${seed}, ${worlds} worlds)`, { timeout: 600_000 }, async () => {
    const summary = await runWorlds({ seed, worlds, mostFailures: 1 });
    const [failure] = summary.failures;
    const [violation] = failure?.ending.violations ?? [];
    if (failure !== undefined && violation !== undefined) {
      const story = await storyOf(await shrink(failure.script, violation.law));
      expect.fail(`${story}\n\nagain: npm run sim -- --seed ${failure.script.seed} --worlds 1`);
    }
    for (const [what, perWorld] of Object.entries(SEEN)) {
      expect(summary.coverage.get(what), what).toBeGreaterThan(perWorld * worlds * 0.5);
    }
  });

  it('tells a story of what breaks, as short as it can be', async () => {
    const never = {
      kind: 'outcome' as const,
      name: 'nothing is ever extracted',
      watch: () => ({
        record: ({ record }: { record: { events: readonly { type: string }[] } }) =>
          record.events.some(({ type }) => type === 'CoreExtracted') ? 'it was' : null,
      }),
    };
    const { failures } = await runWorlds({ seed: 1, worlds: 100, laws: [never], mostFailures: 1 });
    const script = failures[0]?.script ?? scriptOf(1);
    const small = await shrink(script, never.name, [never]);
    expect(small.acts.length).toBeLessThanOrEqual(2);
    const story = await storyOf(small, [never]);
    expect(story).toContain('LAW BROKEN (outcome): nothing is ever extracted: it was');
    expect(story).toMatch(/person +download/);
  });
});

describe('a world that once broke a law', () => {
  const folder = new URL('../seeds/', import.meta.url);
  const names = readdirSync(folder).filter((name) => name.endsWith('.json'));
  it.each(names)('%s holds', async (name) => {
    const { script } = JSON.parse(readFileSync(new URL(name, folder), 'utf8')) as { script: Script };
    const { violations } = await play(script, LAWS);
    expect(violations.length === 0 ? 'holds' : await storyOf(script)).toBe('holds');
  });
});
