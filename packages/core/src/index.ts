export { Catalog } from './catalog.js';
export { bytesOf, checkpointOf, lowered, rangesOf } from './checkpoint.js';
export { coreMachine } from './core-machine.js';
export type { CoreContext, CorePhase, CoreState, Installed } from './core-state.js';
export { CORE_PHASES, durableBytes, emptyCoreContext, isBusy, isUsable, isWorking } from './core-state.js';
export type { Decision } from './decide.js';
export { decide } from './decide.js';
export type { Defect } from './defect.js';
export type { Effect, EffectType } from './effect.js';
export {
  ChecksumError,
  ConfigurationError,
  DownloadError,
  errorOfFault,
  errorOfRefusal,
  GenerationError,
  InitializationError,
  LadingError,
  MemoryError,
  ModelLoadError,
  ModelValidationError,
} from './errors.js';
export type {
  Checkpoint,
  CoreEvent,
  DepotEvent,
  EventType,
  InstalledFile,
  LadingEvent,
  PauseReason,
  VoiceEvent,
} from './event.js';
export { evolve, replay, UnacceptedEvent } from './evolve.js';
export type { Fault, FaultType } from './fault.js';
export { FAULT_TYPES, faultTypeOfStatus, isRetryable, isWrongBytes, remedyOf } from './fault.js';
export { fingerprintOf } from './fingerprint.js';
export type { Command, Input, Report, Stamp, Wake } from './input.js';
export { BugError, invariant } from './invariant.js';
export type { JsonReading } from './json.js';
export { readJson } from './json.js';
export { LIMITS } from './limits.js';
export type {
  BundleSpec,
  Content,
  CoreSpec,
  CoreType,
  ExtractType,
  FileSpec,
  Manifest,
  ManifestReading,
  VoiceSpec,
  WishKind,
} from './manifest.js';
export { readManifest, readManifestValue } from './manifest.js';
export { fileNameDefect, foldName, idDefect } from './name.js';
export { nearestNames } from './nearest.js';
export type { CorePlan, FilePlan, Plan } from './plan.js';
export { planFor } from './plan.js';
export type { Policy } from './policy.js';
export { DEFAULT_POLICY } from './policy.js';
export { queueOf } from './queue.js';
export type { Range, Ranges } from './ranges.js';
export {
  bytesIn,
  clipped,
  covers,
  firstBytes,
  missingIn,
  overlaps,
  prefixOf,
  withoutRange,
  withRange,
} from './ranges.js';
export type { Refusal, RefusalCode } from './refusal.js';
export { REFUSAL_CODES } from './refusal.js';
export type { Expectation, Head, HeadVerdict } from './response.js';
export { contentDigest, judgeHead, quote, rangeText, readContentRange, reprDigest, retryAfterMs } from './response.js';
export { backoffMs, retryVerdict } from './retry.js';
export type { Demand, DepotState, StateImage } from './state.js';
export { coreIn, demandOn, EMPTY_STATE, imageOf, stateOf, stepCore, stepVoice, voiceIn } from './state.js';
export type { Action, Live, LiveBytes, Status } from './status.js';
export { coreStatus, coresOfVoice, voiceStatus } from './status.js';
export { Table } from './table.js';
export type { HopReading, UrlRules } from './url.js';
export { isLoopbackHost, locationIn, MAX_HOPS, originOf, readHop, readUrl, redactUrl } from './url.js';
export type { Headers } from './validator.js';
export { matchesValidator, strongEtag, validatorOf } from './validator.js';
export { voiceMachine } from './voice-machine.js';
export type { VoiceContext, VoicePhase, VoiceState } from './voice-state.js';
export { coreOfDirectWish, directWish, isHolding, isLeaving, isWanting, VOICE_PHASES } from './voice-state.js';
