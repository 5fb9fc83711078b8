import type { Act } from './act.js';
import type { Law } from './law.js';
import { LAWS } from './laws.js';
import { play } from './play.js';
import type { Script } from './script.js';

/** Worlds that shrinking may cost. */
const MOST_WORLDS = 600;

/** Simpler versions of one act, the simplest first. */
function simpler(act: Act): readonly Act[] {
  const calm: Act[] = [];
  if (act.afterMs > 0) calm.push({ ...act, afterMs: 0 });
  if (act.do === 'network' && act.times > 1) calm.push({ ...act, times: 1 });
  if (act.do === 'download' && act.giveUpAfterMs !== null) calm.push({ ...act, giveUpAfterMs: null });
  if (act.do === 'powerCut' && act.isLucky) calm.push({ ...act, isLucky: false });
  return calm;
}

/** The smallest script that still breaks the law: acts are left out, in halves, then one by one; then those that remain are made plain. */
export async function shrink(script: Script, law: string, laws: readonly Law[] = LAWS): Promise<Script> {
  let left = MOST_WORLDS;
  const breaks = async (acts: readonly Act[]): Promise<boolean> => {
    if (left-- <= 0) return false;
    const { violations } = await play({ ...script, acts }, laws);
    return violations.some((violation) => violation.law === law);
  };
  let acts = script.acts;
  for (let size = acts.length >> 1; size >= 1; ) {
    let isSmaller = false;
    for (let from = 0; from < acts.length; ) {
      const fewer = [...acts.slice(0, from), ...acts.slice(from + size)];
      if (await breaks(fewer)) {
        acts = fewer;
        isSmaller = true;
      } else from += size;
    }
    if (size > 1 || !isSmaller) size >>= 1;
  }
  for (let i = 0; i < acts.length; i++) {
    for (const act of simpler(acts[i] as Act)) {
      const plainer = acts.with(i, act);
      if (await breaks(plainer)) acts = plainer;
    }
  }
  return { ...script, acts };
}
