export type { AssetFile, Place } from './asset.js';
export { Asset } from './asset.js';
export { DepotClosed } from './conductor.js';
export { crc32c } from './crc32c.js';
export type { Depot } from './depot.js';
export type { Export } from './export.js';
export { exportOf } from './export.js';
export type { ExportedCore, ExportManifest } from './export-contents.js';
export { FaultError, faultOf } from './fault-error.js';
export type { Hub } from './hub.js';
export type { Imported, ImportedFile } from './import.js';
export type { ImportSource } from './import-source.js';
export { initializationError } from './initialization.js';
export type { Inspection } from './inspection.js';
export { inspectCore } from './inspection.js';
export type { Lines } from './journal-format.js';
export { decodeLine, decodeLines, encodeLine, fold, JournalCorrupt, upcast } from './journal-format.js';
export { fetchManifestText, manifestTextIn, mustBeReadable, refusedManifest } from './manifest-text.js';
export type { Moment } from './moment.js';
export { Retelling } from './moment.js';
export type { OpenOptions } from './open.js';
export { DEFAULT_STALL_MS, openDepotOn, recall, withoutLost } from './open.js';
export { Patrol } from './patrol.js';
export type { PortableHead, PortableJournal, Sha256 } from './portable-journal.js';
export {
  PortableJournalDamaged,
  readPortableJournal,
  stateSha256,
  writePortableJournal,
} from './portable-journal.js';
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
  Resident,
  StagedFile,
  StageOptions,
  Store,
  Usage,
} from './ports.js';
export type { Bounds, RecordLaw } from './record-law.js';
export { eventsOf, isMoving } from './record-law.js';
export type { Channel } from './remote/channel.js';
export type { GuestOptions, Joining } from './remote/guest.js';
export { joinDepot } from './remote/guest.js';
export type { Breach, Judged } from './replay.js';
export { JOURNAL_LAWS, RECORD_LAWS, replayed } from './replay.js';
export type { Private } from './scrub.js';
export { scrubbed } from './scrub.js';
export type { Credentials } from './secrets.js';
export { redactHeaders, redactorOf, spellingsOf } from './secrets.js';
export type { StatusLaw } from './status-law.js';
export { STATUS_LAWS } from './status-law.js';
export type { PlacedEvent, Progress } from './streams.js';
export { latest, sameJson } from './streams.js';
export type { TransferLimits } from './transfer-limits.js';
export type { DepotReader } from './view.js';
export { View } from './view.js';
export { Watchdog } from './watchdog.js';
