import { HUB } from './address.js';

/** What the hub's own programs read from the environment, and this one too. Places only: nothing is opened here. */
export interface HubEnvironment {
  /** Address of the hub, without a slash at the end. */
  readonly endpoint: string;
  /** The token, if the environment holds it. */
  readonly token: string | null;
  /** Else the file that may hold one. */
  readonly tokenPath: string | null;
  /** True if that file was named, and not merely usual. */
  readonly isTokenPathNamed: boolean;
  /** The cache of the hub's programs. */
  readonly cacheDir: string | null;
}

const isOn = (text: string | undefined): boolean => /^(1|true|yes|on)$/i.test(text ?? '');

/** Reads `HF_ENDPOINT`, `HF_TOKEN`, `HF_TOKEN_PATH`, `HF_HUB_DISABLE_IMPLICIT_TOKEN`, `HF_HUB_CACHE`, `HF_HOME` and `XDG_CACHE_HOME`; empty is unset. */
export function readHubEnvironment(env: Readonly<Record<string, string | undefined>>): HubEnvironment {
  const user = env['HOME'] || env['USERPROFILE'] || null;
  const place = (text: string | undefined): string | null => {
    if (!text) return null;
    return user !== null && /^~(?=[\\/]|$)/.test(text) ? user + text.slice(1) : text;
  };
  const below = (folder: string | null, name: string): string | null => (folder === null ? null : `${folder}/${name}`);
  const caches = place(env['XDG_CACHE_HOME']) ?? below(user, '.cache');
  const home = place(env['HF_HOME']) ?? below(caches, 'huggingface');
  const named = place(env['HF_TOKEN_PATH']);
  return {
    endpoint: (env['HF_ENDPOINT']?.trim() || HUB).replace(/\/+$/, ''),
    token: env['HF_TOKEN']?.trim() || null,
    tokenPath: isOn(env['HF_HUB_DISABLE_IMPLICIT_TOKEN']) ? null : (named ?? below(home, 'token')),
    isTokenPathNamed: named !== null,
    cacheDir: place(env['HF_HUB_CACHE']) ?? below(home, 'hub'),
  };
}
