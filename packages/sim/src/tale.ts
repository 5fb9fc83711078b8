import type { LadingEvent } from '@lading/core';
import type { Act, Trouble } from './act.js';

function troubleIn(words: Trouble): string {
  switch (words.trouble) {
    case 'drop':
      return `the connection breaks after ${words.afterBytes} bytes`;
    case 'cut':
      return `the body ends after ${words.afterBytes} bytes as if it were whole`;
    case 'stall':
      return `nothing more comes after ${words.afterBytes} bytes`;
    case 'silence':
      return 'the server never answers';
    case 'refuse':
      return 'the connection is refused';
    case 'hangUp':
      return 'the connection is reset before an answer';
    case 'late':
      return `the answer comes ${words.ms} ms late`;
    case 'redirect':
      return `the server redirects with ${words.status} (${words.way})`;
    case 'plainAnswer':
      return 'the server answers a range with everything';
    case 'otherEtag':
      return 'the server tells another ETag';
    case 'status':
      return `the server answers ${words.status}${words.retryAfterSeconds === null ? '' : `, Retry-After ${words.retryAfterSeconds} s`}`;
    case 'wrongLength':
      return `the server tells a length of ${words.bytes} bytes`;
    case 'excess':
      return `the server sends ${words.bytes} bytes too many`;
    case 'flip':
      return `a bit of byte ${words.atByte} is turned over on the way`;
    case 'pace':
      return `${words.chunkBytes} bytes come each ${words.chunkMs} ms`;
    default:
      return words satisfies never;
  }
}

/** What an act means, in words. */
export function actIn(act: Act): string {
  switch (act.do) {
    case 'download':
      return `download ${act.id}${act.giveUpAfterMs === null ? '' : `, and give up after ${act.giveUpAfterMs} ms`}`;
    case 'delete':
      return `delete ${act.id}${act.force ? ' by force' : ''}`;
    case 'prioritize':
      return `prioritize ${act.id}: ${act.priority}`;
    case 'pause':
    case 'resume':
    case 'cancel':
    case 'retry':
    case 'verify':
    case 'repair':
      return `${act.do} ${act.id}`;
    case 'clean':
      return 'clean up';
    case 'reopen':
      return 'close the depot and open it again';
    case 'update':
      return 'close the depot and open it with the next edition of the catalog';
    case 'rival':
      return 'a second program tries to open the depot';
    case 'network':
      return `${act.url}${act.times === 1 ? '' : `, ${act.times} times`}: ${troubleIn(act.trouble)}`;
    case 'replace':
      return `${act.url}: the publisher puts another file there, ${act.lengthDelta} bytes longer`;
    case 'disk':
      return `the disk will fail with ${act.code} to ${act.action} ${act.where}, ${act.after} times later`;
    case 'fill':
      return 'the disk is full';
    case 'free':
      return 'the disk has room again';
    case 'kill':
      return `the program will be killed ${act.afterSteps} steps from now`;
    case 'crash':
      return 'the program is killed';
    case 'powerCut':
      return `the power fails${act.isLucky ? ', and some of what was not synced survives' : ''}`;
    case 'rot':
      return `an installed file of ${act.core} rots`;
    case 'lose':
      return `an installed file of ${act.core} disappears`;
    case 'clock':
      return `the wall clock is set back by ${act.backMs} ms`;
    default:
      return act satisfies never;
  }
}

/** An event in a few words: what, of which, and what is telling about it. */
export function eventIn(event: LadingEvent): string {
  const { type, ...rest } = event;
  const subject = 'core' in event && type.startsWith('Core') ? event.core : 'voice' in event ? event.voice : '';
  const details: string[] = [];
  if ('ticket' in rest) details.push(`ticket ${rest.ticket}`);
  if ('fault' in rest && rest.fault !== null) details.push(`${rest.fault.type} ${rest.fault.detail}`);
  if ('attempt' in rest) details.push(`attempt ${rest.attempt}`, `strikes ${rest.strikes}`);
  if ('reason' in rest) details.push(rest.reason);
  if ('generation' in rest) details.push(rest.generation);
  if (type === 'CoreCheckpointed')
    for (const [file, { bytes }] of Object.entries(event.files)) details.push(`${file} ${bytes}`);
  return `${type}${subject === '' ? '' : ` ${subject}`}${details.length === 0 ? '' : ` (${details.join(', ')})`}`;
}
