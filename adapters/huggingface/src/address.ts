import { type Reference, readReference } from './reference.js';

export const HUB = 'https://huggingface.co';

type Repository = Pick<Reference, 'owner' | 'repo'>;

const encoded = (path: string): string => path.split('/').map(encodeURIComponent).join('/');

/** The URLs of a hub: the public one, or a mirror that speaks as it does. */
export class HubAddress {
  readonly endpoint: string;

  constructor(endpoint: string = HUB) {
    this.endpoint = endpoint.replace(/\/+$/, '');
  }

  /** Says which commit a branch or tag is. */
  revisionUrl({ owner, repo }: Repository, revision: string): string {
    return `${this.endpoint}/api/models/${owner}/${repo}/revision/${encodeURIComponent(revision)}`;
  }

  /** Lists all files of a revision, in pages. */
  treeUrl({ owner, repo }: Repository, revision: string): string {
    return `${this.endpoint}/api/models/${owner}/${repo}/tree/${encodeURIComponent(revision)}?recursive=true`;
  }

  /** Redirects to where the bytes are, for a while. */
  fileUrl({ owner, repo, path }: Reference, revision: string): string {
    return `${this.endpoint}/${owner}/${repo}/resolve/${encodeURIComponent(revision)}/${encoded(path)}`;
  }

  pageUrl({ owner, repo }: Repository): string {
    return `${this.endpoint}/${owner}/${repo}`;
  }

  /** The file that a URL of this hub, or of the public one, names; null if it names none. */
  referenceOf(url: string): Reference | null {
    const base = [this.endpoint, HUB].find((each) => url.startsWith(`${each}/`));
    if (base === undefined) return null;
    const [place = ''] = url.slice(base.length + 1).split(/[?#]/);
    const [owner, repo, verb, revision, ...path] = place.split('/');
    if (verb !== 'resolve') return null;
    const reading = readReference(`hf://${owner}/${repo}@${revision}/${path.join('/')}`);
    return reading.ok ? reading.reference : null;
  }
}
