import type { Depot } from '@lading/runtime';

/** The smallest screen an app can have: one line about one voice, always the newest. */
export function screenOf(depot: Depot, id: string): { readonly text: string } {
  const screen = { text: '' };
  depot.onStatus(id, ({ phase, reason, bytesDone, bytesTotal, remedy }) => {
    const percent = Math.floor((100 * bytesDone) / bytesTotal);
    const why = reason === 'noSpace' ? `the disk is full. ${remedy ?? ''}` : (reason ?? '');
    screen.text =
      phase === 'ready' ? 'Ready.' : phase === 'paused' ? `Paused at ${percent} %: ${why}` : `${phase} ${percent} %`;
  });
  return screen;
}
