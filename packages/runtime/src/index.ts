export type { AssetFile, Place } from './asset.js';
export { Asset } from './asset.js';
export { DepotClosed } from './conductor.js';
export { crc32c } from './crc32c.js';
export type { Depot } from './depot.js';
export { FaultError, faultOf } from './fault-error.js';
export { initializationError } from './initialization.js';
export type { Inspection } from './inspection.js';
export { inspectCore } from './inspection.js';
export type { Lines } from './journal-format.js';
export { decodeLine, decodeLines, encodeLine, fold, JournalCorrupt, upcast } from './journal-format.js';
export type { Keeper } from './keeper.js';
export type { MirrorOptions } from './mirror.js';
export { Mirror } from './mirror.js';
export type { Audience, OpenOptions, OwnedDepot } from './open.js';
export { DEFAULT_STALL_MS, openDepotOn, openOwnedDepot, recall, withoutLost } from './open.js';
export type {
  Clock,
  DigestAlgorithm,
  ExtractOptions,
  Fetcher,
  FetchRequest,
  FetchResponse,
  HeldLease,
  Journal,
  JournalImage,
  JournalRecord,
  Lease,
  Ports,
  StagedFile,
  StageOptions,
  Store,
  Usage,
} from './ports.js';
export type { PlacedEvent, Progress } from './streams.js';
export { latest, sameJson } from './streams.js';
export type { DepotReader } from './view.js';
export { View } from './view.js';
export { Watchdog } from './watchdog.js';
