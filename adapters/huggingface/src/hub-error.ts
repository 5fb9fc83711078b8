import { DownloadError, type Fault, remedyOf } from '@lading/core';
import type { HubAddress } from './address.js';
import { type Reference, textOf } from './reference.js';

/** What a person can do about it. */
function remedyFor(fault: Fault, page: string): string {
  if (fault.httpStatus === 429) {
    const wait = fault.retryAfterMs === undefined ? 'later' : `in ${Math.ceil(fault.retryAfterMs / 1000)} s`;
    return `Try again ${wait}, or set HF_TOKEN: who is known to the hub may ask more often.`;
  }
  switch (fault.detail) {
    case 'GatedRepo':
      return `Accept the terms at ${page}, then set HF_TOKEN, or a token file as \`hf auth login\` writes it.`;
    case 'RepoNotFound':
      return `Check the name at ${page}; a private repository needs a token (HF_TOKEN).`;
    case 'RevisionNotFound':
    case 'EntryNotFound':
      return `Look at ${page} which revisions and files there are, and correct the reference.`;
    default:
      break;
  }
  if (fault.type === 'unauthorized') {
    return `The repository is private, gated or not there: look at ${page}, and set HF_TOKEN to a token that may read it.`;
  }
  return `${remedyOf(fault)} A reference by commit with sizeBytes and sha256 in the catalog needs no answer.`;
}

/** A reference that could not be resolved, as the error that whoever asked for it sees. */
export function hubError(fault: Fault, reference: Reference, address: HubAddress): DownloadError {
  const text = textOf(reference);
  const message = fault.message.startsWith(text) ? fault.message : `${text}: ${fault.message}`;
  return new DownloadError(message, { code: fault.type, remedy: remedyFor(fault, address.pageUrl(reference)), fault });
}
