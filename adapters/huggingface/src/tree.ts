import { FaultError } from '@lading/runtime';

/** What the hub knows of one file. Large files have a sha256; small ones only the id of their git blob, which is a sha1. */
export interface TreeEntry {
  readonly sizeBytes: number;
  readonly sha256: string | null;
  readonly gitBlob: string | null;
}

type Json = Readonly<Record<string, unknown>>;

const isRecord = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const hex = (value: unknown, digits: number): string | null =>
  typeof value === 'string' && value.length === digits && /^[0-9a-f]+$/.test(value) ? value : null;
const sizeOf = (value: unknown): number | null =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : null;

/** For a large file the blob id is that of its pointer and says nothing about the bytes. */
function entryOf(item: Json): TreeEntry | null {
  const { lfs } = item;
  if (!isRecord(lfs)) {
    const sizeBytes = sizeOf(item.size);
    const gitBlob = hex(item.oid, 40);
    return sizeBytes === null || gitBlob === null ? null : { sizeBytes, sha256: null, gitBlob };
  }
  const sizeBytes = sizeOf(lfs.size) ?? sizeOf(item.size);
  const sha256 = hex(lfs.oid, 64);
  return sizeBytes === null || sha256 === null ? null : { sizeBytes, sha256, gitBlob: null };
}

/** Adds the files of one page of a listing, and gives their paths. Throws `FaultError` if it is none. */
export function readTreePage(value: unknown, into: Map<string, TreeEntry>, subject: string): readonly string[] {
  if (!Array.isArray(value))
    throw FaultError.of('serverError', 'treePage', `${subject}: the hub sent no list of files`);
  const paths: string[] = [];
  for (const item of value) {
    if (!isRecord(item) || item.type !== 'file' || typeof item.path !== 'string') continue;
    const entry = entryOf(item);
    if (entry === null) continue;
    into.set(item.path, entry);
    paths.push(item.path);
  }
  return paths;
}

/** The commit in what the hub says of a revision, or null. */
export function commitIn(value: unknown): string | null {
  return isRecord(value) ? hex(value.sha, 40) : null;
}

const unquoted = (tag: string | undefined): string => (tag ?? '').replace(/^W\//, '').replace(/^"(.*)"$/, '$1');
const digitsOf = (text: string | undefined): number | null => (/^\d{1,15}$/.test(text ?? '') ? Number(text) : null);

/** A file as the head of its own address tells it: size and sha256 of a large one stand in the redirect to its store. */
export function entryOfHead(headers: Readonly<Record<string, string>>): TreeEntry | null {
  const linked = hex(unquoted(headers['x-linked-etag']), 64);
  const linkedBytes = digitsOf(headers['x-linked-size']);
  if (linked !== null && linkedBytes !== null) return { sizeBytes: linkedBytes, sha256: linked, gitBlob: null };
  const gitBlob = hex(unquoted(headers.etag), 40);
  const sizeBytes = digitsOf(headers['content-length']);
  return gitBlob === null || sizeBytes === null ? null : { sizeBytes, sha256: null, gitBlob };
}

const REL_NEXT = /;\s*rel\s*=\s*(?:"(?:[^"]*\s)?next(?:\s[^"]*)?"|next\s*(?:[;,]|$))/i;

/** The address of the next page in a `Link` header (RFC 8288 §3), or null behind the last. */
export function nextPage(link: string | undefined): string | null {
  for (const [, address = '', parameters = ''] of (link ?? '').matchAll(/<([^<>]*)>([^<]*)/g)) {
    if (REL_NEXT.test(parameters)) return address;
  }
  return null;
}
