const UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];

/** `25.2 MB`: decimal units, as disks and networks are sold, with three digits that mean something. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : 1;
  return `${value.toFixed(digits)} ${UNITS[unit]}`;
}

const FACTORS: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  k: 1e3,
  kb: 1e3,
  m: 1e6,
  mb: 1e6,
  g: 1e9,
  gb: 1e9,
  kib: 1024,
  mib: 1024 ** 2,
  gib: 1024 ** 3,
};

/** `500k`, `2.5M`, `8MiB`, `1048576`: whole bytes, at least one; null if it is no size. */
export function parseBytes(text: string): number | null {
  const [, digits = '', unit = ''] = /^(\d{1,15}(?:\.\d{1,6})?) ?([A-Za-z]{0,3})$/.exec(text.trim()) ?? [];
  const factor = FACTORS[unit.toLowerCase()];
  if (digits === '' || factor === undefined) return null;
  const bytes = Math.floor(Number(digits) * factor);
  return Number.isSafeInteger(bytes) && bytes >= 1 ? bytes : null;
}

/** `0:07`, `12:30`, `3:02:11`. */
export function formatDuration(ms: number): string {
  const seconds = Math.max(0, Math.ceil(ms / 1000));
  const two = (value: number) => String(value).padStart(2, '0');
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor((seconds % 3600) / 60);
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}
