/** Writes a tar archive in memory (POSIX.1-1988 ustar), so that a scenario needs no program to make one. Regular files only. */
import { gzipSync } from 'node:zlib';

const blockBytes = 512;

function octal(value: number, digits: number): string {
  return `${value.toString(8).padStart(digits, '0')}\0`;
}

function header(name: string, sizeBytes: number): Buffer {
  if (name.length > 100) throw new Error(`a ustar name has at most 100 bytes: ${name}`);
  const block = Buffer.alloc(blockBytes);
  block.write(name, 0);
  block.write(octal(0o644, 7), 100);
  block.write(octal(0, 7), 108);
  block.write(octal(0, 7), 116);
  block.write(octal(sizeBytes, 11), 124);
  block.write(octal(0, 11), 136);
  block.write(' '.repeat(8), 148);
  block.write('0', 156);
  block.write('ustar\x0000', 257);
  // The sum is taken with its own field as spaces.
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return block;
}

export function tar(files: Readonly<Record<string, Uint8Array>>): Uint8Array {
  const parts = Object.entries(files).flatMap(([name, bytes]) => {
    const padding = (blockBytes - (bytes.length % blockBytes)) % blockBytes;
    return [header(name, bytes.length), Buffer.from(bytes), Buffer.alloc(padding)];
  });
  return Uint8Array.from(Buffer.concat([...parts, Buffer.alloc(2 * blockBytes)]));
}

export function tarGz(files: Readonly<Record<string, Uint8Array>>): Uint8Array {
  // Not a Buffer: the slice of a Buffer is no copy, and what spoils a slice would spoil the original.
  return Uint8Array.from(gzipSync(tar(files)));
}

/** The regular files of an archive that needs no more than ustar. */
export function untar(archive: Uint8Array): Readonly<Record<string, Uint8Array>> {
  const bytes = Buffer.from(archive);
  const field = (at: number, length: number): string =>
    bytes
      .subarray(at, at + length)
      .toString('latin1')
      .replace(/\0.*$/s, '');
  const files: Record<string, Uint8Array> = {};
  for (let at = 0; field(at, 100) !== ''; ) {
    const sizeBytes = Number.parseInt(field(at + 124, 12), 8);
    const isRegular = field(at + 156, 1) === '0' || field(at + 156, 1) === '';
    if (isRegular)
      files[field(at, 100)] = Uint8Array.from(bytes.subarray(at + blockBytes, at + blockBytes + sizeBytes));
    at += blockBytes + Math.ceil(sizeBytes / blockBytes) * blockBytes;
  }
  return files;
}
