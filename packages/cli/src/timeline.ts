import type { Checkpoint, LadingEvent } from '@lading/core';
import { formatBytes } from './bytes.js';
import type { Paint } from './paint.js';
import { faultWords, plural, waitWords } from './words.js';

/** One event in words. `at` is the wall clock of its record, milliseconds since 1970. */
export function eventWords(event: LadingEvent, at: number): string {
  switch (event.type) {
    case 'Woken':
      return `the depot was opened (owner ${event.epoch})`;
    case 'CoreQueued':
      return `${event.core} was put in the queue`;
    case 'CorePrioritized':
      return `${event.core} got priority ${event.priority}`;
    case 'CoreStarted':
      return `${event.core} was begun, ${formatBytes(event.bytesTotal)}`;
    case 'CorePrepared':
      return `${event.core} has room${stagedWords(Object.values(event.staged))}`;
    case 'CoreCheckpointed':
      return `${event.core}: ${formatBytes(checkpointed(event.files))} are safe on disk`;
    case 'CoreStaged':
      return checkpointed(event.files) === 0
        ? `${event.core}: what is imported takes the place of what was fetched`
        : `${event.core}: ${formatBytes(checkpointed(event.files))} were imported`;
    case 'CoreDownloaded':
      return `${event.core} has all its bytes`;
    case 'CoreVerified':
      return `${event.core} is proven${event.weak.length > 0 ? `, ${plural(event.weak.length, 'file')} only weakly` : ''}`;
    case 'CoreExtracted':
      return `${event.core} was unpacked`;
    case 'CoreInstalled':
      return `${event.core} was installed, ${plural(event.files.length, 'file')}`;
    case 'RetryScheduled':
      return `${event.core}: ${faultWords(event.fault.type)} (${event.fault.message}); attempt ${event.attempt + 1} in ${waitWords(event.at - at)}`;
    case 'CoreFailed':
      return `${event.core} failed: ${event.fault.message}`;
    case 'CorePaused':
      return `${event.core} was paused${event.reason === 'noSpace' ? ': not enough space' : ''}`;
    case 'CoreCancelStarted':
      return `${event.core} is being cancelled`;
    case 'CoreCancelled':
      return `${event.core} was cancelled`;
    case 'CoreDeletionStarted':
      return `${event.core} is being deleted`;
    case 'CoreDeleted':
      return `${event.core} was deleted`;
    case 'CoreLost':
      return `${event.core} was found ${event.detail}`;
    case 'CoreWoken':
      return `${event.core} goes on${stagedWords(Object.values(event.staged))}`;
    case 'VoiceRequested':
      return `${event.voice} was asked for, needs ${event.cores.join(', ')}`;
    case 'VoiceReady':
      return `${event.voice} is ready`;
    case 'VoicePaused':
      return `${event.voice} was paused${event.reason === 'noSpace' ? ': not enough space' : ''}`;
    case 'VoiceResumed':
      return `${event.voice} was resumed`;
    case 'VoiceFailed':
      return `${event.voice} failed, because of ${event.core}`;
    case 'VoiceUnavailable':
      return `${event.voice} became unavailable: ${event.core} is gone`;
    case 'VoiceCancelStarted':
      return `${event.voice} is being cancelled`;
    case 'VoiceCancelled':
      return `${event.voice} was cancelled`;
    case 'VoiceDeletionStarted':
      return `${event.voice} is being deleted`;
    case 'VoiceDeleted':
      return `${event.voice} was deleted`;
    default:
      return event satisfies never;
  }
}

const stagedWords = (bytes: readonly number[]): string => {
  const sum = bytes.reduce((total, each) => total + each, 0);
  return sum > 0 ? `, ${formatBytes(sum)} are here already` : '';
};

const checkpointed = (files: Readonly<Record<string, Checkpoint>>): number =>
  Object.values(files).reduce((sum, file) => sum + file.bytes, 0);

export function eventColour({ type }: LadingEvent): Paint | null {
  if (type === 'VoiceReady' || type === 'CoreInstalled') return 'green';
  if (type === 'CoreFailed' || type === 'VoiceFailed' || type === 'CoreLost' || type === 'VoiceUnavailable')
    return 'red';
  if (type === 'RetryScheduled' || type === 'CorePaused' || type === 'VoicePaused') return 'yellow';
  return null;
}

/** `2026-11-20 13:42:07.123`, in UTC: a history reads the same everywhere. */
export function timeWords(at: number): string {
  const date = new Date(at);
  return Number.isNaN(date.getTime()) ? String(at) : date.toISOString().replace('T', ' ').replace('Z', '');
}
