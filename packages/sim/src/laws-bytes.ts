import { eventsOf } from '@lading/runtime';
import { hygiene, type Law } from './law.js';
import { Editions } from './look.js';
import type { FileName } from './observation.js';
import type { World } from './world.js';

const keyOf = ({ core, file }: FileName): string => `${core}/${file}`;

interface Desk {
  /** Ticket under which the file was staged. */
  readonly ticket: number;
  length: number;
  synced: number;
  wasReset: boolean;
}

/** What is known of the staged files of one life. */
class Desks {
  readonly byFile = new Map<string, Desk>();

  constructor(private readonly world: World) {}

  private ticketOf(core: string): number {
    return this.world.state.cores.get(core)?.context.ticket ?? 0;
  }

  get(name: FileName): Desk {
    const known = this.byFile.get(keyOf(name));
    if (known !== undefined) return known;
    const fresh = { ticket: this.ticketOf(name.core), length: 0, synced: 0, wasReset: false };
    this.byFile.set(keyOf(name), fresh);
    return fresh;
  }

  open(name: FileName, bytes: number): void {
    this.byFile.set(keyOf(name), {
      ticket: this.ticketOf(name.core),
      length: bytes,
      synced: bytes,

      wasReset: false,
    });
  }

  /** The observations that keep it up to date. */
  keep() {
    const forget = () => this.byFile.clear();
    return {
      died: forget,
      closed: forget,
      staged: (seen: FileName & { bytes: number }) => this.open(seen, seen.bytes),
      written: (seen: FileName & { bytes: number }) => {
        this.get(seen).length = seen.bytes;
      },
      synced: (seen: FileName & { bytes: number }) => {
        this.get(seen).synced = seen.bytes;
      },
      reset: (seen: FileName) =>
        void Object.assign(this.get(seen), {
          length: 0,
          synced: 0,
          wasReset: true,
        }),
    } as const;
  }
}

/** Beside three times the declared size, bytes: what is small is rounded up. */
const SLACK_BYTES = 200;

const phaseOf = (world: World, core: string): string => world.state.cores.get(core)?.phase ?? 'absent';

export const BYTES_LAWS: readonly Law[] = [
  hygiene('at most one transfer of a file at a time', () => {
    const staged = new Set<string>();
    const requests = new Map<number, string>();
    const clear = () => {
      staged.clear();
      requests.clear();
    };
    return {
      died: clear,
      closed: clear,
      stage: (seen) =>
        staged.has(keyOf(seen)) ? `${keyOf(seen)} is staged twice at once` : void staged.add(keyOf(seen)),
      unstaged: (seen) => void staged.delete(keyOf(seen)),
      requestEnded: ({ id }) => void requests.delete(id),
      request: (seen) => {
        const isTwice = [...requests.values()].includes(keyOf(seen));
        requests.set(seen.id, keyOf(seen));
        return isTwice ? `${keyOf(seen)} is asked for twice at once` : null;
      },
    };
  }),

  hygiene('bytes are asked for only while their core is downloading', (world) => ({
    request: ({ core, url }) =>
      phaseOf(world, core) === 'downloading' ? null : `${url} was asked for while ${core} was ${phaseOf(world, core)}`,
  })),

  hygiene('only what the catalog names is asked for', () => ({
    request: ({ core, url }) => (core === '' ? `${url} is in no catalog` : null),
  })),

  hygiene('nothing is written for a core that is not downloading', (world) => ({
    write: ({ core, file }) =>
      phaseOf(world, core) === 'downloading'
        ? null
        : `${core}/${file} was written while it was ${phaseOf(world, core)}`,
  })),

  hygiene('a job of an old ticket writes nothing', (world) => {
    const desks = new Desks(world);
    return {
      ...desks.keep(),
      write: (seen) => {
        const ticket = world.state.cores.get(seen.core)?.context.ticket;
        const desk = desks.get(seen);
        return ticket === desk.ticket
          ? null
          : `${keyOf(seen)} was staged under ticket ${desk.ticket} and written under ${ticket}`;
      },
    };
  }),

  hygiene('bytes are written without a gap', (world) => {
    const desks = new Desks(world);
    return {
      ...desks.keep(),
      write: (seen) =>
        seen.from === desks.get(seen).length
          ? null
          : `${keyOf(seen)} was written at ${seen.from} and ends at ${desks.get(seen).length}`,
    };
  }),

  hygiene('a range begins where the staged bytes end', (world) => {
    const desks = new Desks(world);
    return {
      ...desks.keep(),
      request: (seen) =>
        (seen.from ?? 0) === desks.get(seen).length
          ? null
          : `${keyOf(seen)} has ${desks.get(seen).length} bytes, asked for was ${seen.from}`,
    };
  }),

  hygiene('an offset is recorded only when its bytes are synced', (world) => {
    const desks = new Desks(world);
    return {
      ...desks.keep(),
      record: ({ record }) => {
        for (const { core, files } of eventsOf(record.events, 'CoreCheckpointed')) {
          for (const [file, { bytes }] of Object.entries(files)) {
            const { synced } = desks.get({ core, file });
            if (bytes > synced) return `${core}/${file}: ${bytes} bytes are recorded, ${synced} are synced`;
          }
        }
        return null;
      },
    };
  }),

  hygiene('there is no hole below a recorded offset', (world) => ({
    record: ({ record }) => {
      for (const { core, files } of eventsOf(record.events, 'CoreCheckpointed')) {
        for (const [file, { bytes }] of Object.entries(files)) {
          const path = `/depot/staging/${core}/${file}`;
          const here = world.disk.files(path).get(path)?.length ?? 0;
          if (here < bytes) return `${path} has ${here} bytes, ${bytes} are recorded`;
        }
      }
      return null;
    },
  })),

  hygiene('no recorded byte is fetched again without a fault between', (world) => {
    const desks = new Desks(world);
    return {
      ...desks.keep(),
      request: (seen) => {
        const recorded = world.state.cores.get(seen.core)?.context.durable[seen.file]?.bytes ?? 0;
        if ((seen.from ?? 0) >= recorded || desks.get(seen).wasReset) return null;
        return `${keyOf(seen)}: ${recorded} bytes were recorded, asked for was from ${seen.from ?? 0}`;
      },
    };
  }),

  hygiene('what is published was synced to the last byte', (world) => {
    const desks = new Desks(world);
    return {
      ...desks.keep(),
      store: ({ call, core, files }) => {
        if (call !== 'publish' || files === null) return null;
        const loose = files.find((file) => desks.get({ core, file }).synced !== desks.get({ core, file }).length);
        return loose === undefined ? null : `${core}/${loose} was published before it was synced`;
      },
    };
  }),

  hygiene('only proven bytes are unpacked or published', (world) => {
    const editions = new Editions(world);
    return {
      opening: () => editions.note(),
      store: ({ call, core, files }) => {
        if (call !== 'publish' && call !== 'extract') return null;
        const names = call === 'extract' ? ['archive.tar'] : (files ?? []);
        const wrong = names.find((name) => {
          const path = `/depot/staging/${core}/${name}`;
          const bytes = world.disk.files(path).get(path);
          return bytes === undefined || !(editions.isServed(core, name, bytes) || editions.isRight(core, name, bytes));
        });
        return wrong === undefined ? null : `${core}/${wrong} is about to be installed with wrong bytes`;
      },
    };
  }),

  hygiene('a core never takes more than three times its size on the disk', (world) => ({
    look: () => {
      const taken = new Map<string, number>();
      for (const [path, content] of [...world.disk.files('/depot/cores'), ...world.disk.files('/depot/staging')]) {
        const [, , , core = ''] = path.split('/');
        // What was set aside as damaged waits for a person, however often it happened.
        if (!path.includes('/.quarantine-')) taken.set(core, (taken.get(core) ?? 0) + content.length);
      }
      for (const { id, sizeBytes } of world.goods.catalog.cores()) {
        const bytes = taken.get(id) ?? 0;
        if (bytes > 3 * sizeBytes + SLACK_BYTES) return `${id} declares ${sizeBytes} bytes and takes ${bytes}`;
      }
      return null;
    },
  })),
];
