/** Names that resolve as a test wants, for every connection of this process; all others as ever. */
import dns, { type LookupAddress, type LookupOptions } from 'node:dns';
import { syncBuiltinESMExports } from 'node:module';
import { isIP } from 'node:net';

/** Addresses, or the code of an error. */
export type Resolution = readonly string[] | string;

type Callback = (error: Error | null, address: string | LookupAddress[], family?: number) => void;

/** Each name's answers in turn, the last one for ever; until it is disposed of. */
export function resolving(names: Readonly<Record<string, readonly Resolution[]>>): Disposable {
  const before = dns.lookup;
  const asked = new Map<string, number>();
  const lookup = (name: string, options: LookupOptions | Callback, callback?: Callback): void => {
    const answers = names[name];
    if (answers === undefined) return (before as (...all: unknown[]) => void)(name, options, callback);
    const n = asked.get(name) ?? 0;
    asked.set(name, n + 1);
    const answer = answers[Math.min(n, answers.length - 1)] ?? [];
    const [done, all] = typeof options === 'function' ? [options, false] : [callback, options.all === true];
    setImmediate(() => {
      if (typeof answer === 'string') {
        const error = Object.assign(new Error(`getaddrinfo ${answer} ${name}`), { code: answer });
        return done?.(error, '');
      }
      const addresses = answer.map((address) => ({ address, family: isIP(address) }));
      if (all) done?.(null, addresses);
      else done?.(null, addresses[0]?.address ?? '', addresses[0]?.family);
    });
  };
  const become = (to: unknown): void => {
    Object.assign(dns, { lookup: to });
    syncBuiltinESMExports();
  };
  become(lookup);
  return { [Symbol.dispose]: () => become(before) };
}
