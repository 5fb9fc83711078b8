import { covers, overlaps, type Range, type Ranges, rangesOf, withoutRange, withRange } from '@lading/core';
import { eventsOf } from '@lading/runtime';
import { hygiene, type Law } from './law.js';
import { Editions } from './look.js';
import type { FileName } from './observation.js';
import type { World } from './world.js';

const keyOf = ({ core, file }: FileName): string => `${core}/${file}`;

interface Desk {
  /** Ticket under which the file was staged. */
  readonly ticket: number;
  held: Ranges;
  synced: Ranges;
  wasReset: boolean;
  /** What was dropped of it: may be asked for again. */
  dropped: Ranges;
}

/** What is known of the staged files of one life. */
class Desks {
  readonly byFile = new Map<string, Desk>();

  constructor(private readonly world: World) {}

  private ticketOf(core: string): number {
    return this.world.state.cores.get(core)?.context.ticket ?? 0;
  }

  get(name: FileName): Desk {
    return this.byFile.get(keyOf(name)) ?? this.open(name, []);
  }

  open(name: FileName, held: Ranges): Desk {
    const desk = { ticket: this.ticketOf(name.core), held, synced: held, wasReset: false, dropped: [] };
    this.byFile.set(keyOf(name), desk);
    return desk;
  }

  /** The observations that keep it up to date. */
  keep() {
    const forget = () => this.byFile.clear();
    return {
      died: forget,
      closed: forget,
      staged: (seen: FileName & { held: Ranges }) => void this.open(seen, seen.held),
      written: (seen: FileName & { held: Ranges }) => {
        this.get(seen).held = seen.held;
      },
      synced: (seen: FileName & { held: Ranges }) => {
        this.get(seen).synced = seen.held;
      },
      dropped: (seen: FileName & { range: Range }) => {
        const desk = this.get(seen);
        desk.held = withoutRange(desk.held, seen.range);
        desk.synced = withoutRange(desk.synced, seen.range);
        desk.dropped = withRange(desk.dropped, seen.range);
      },
      reset: (seen: FileName) => void Object.assign(this.get(seen), { held: [], synced: [], wasReset: true }),
    } as const;
  }
}

interface Asking {
  readonly file: string;
  range: Range;
}

/** What is being asked for, by request. A whole reply to a range is the whole file. */
class Askings {
  readonly byId = new Map<number, Asking>();

  of(name: FileName): readonly Range[] {
    return [...this.byId.values()].flatMap(({ file, range }) => (file === keyOf(name) ? [range] : []));
  }

  keep() {
    const forget = () => this.byId.clear();
    return {
      died: forget,
      closed: forget,
      request: (seen: FileName & Asked & { id: number }) =>
        void this.byId.set(seen.id, { file: keyOf(seen), range: rangeIn(seen) }),
      response: ({ id, status }: { id: number; status: number }) => {
        const asking = this.byId.get(id);
        if (asking !== undefined && status === 200) asking.range = rangeIn({ from: null, to: null });
      },
      requestEnded: ({ id }: { id: number }) => void this.byId.delete(id),
    } as const;
  }
}

interface Asked {
  readonly from: number | null;
  readonly to: number | null;
}

const rangeIn = ({ from, to }: Asked): Range => ({ from: from ?? 0, to: to ?? Number.MAX_SAFE_INTEGER });

/** Beside three times the declared size, bytes: what is small is rounded up. */
const SLACK_BYTES = 200;

const phaseOf = (world: World, core: string): string => world.state.cores.get(core)?.phase ?? 'absent';

export const BYTES_LAWS: readonly Law[] = [
  hygiene('a file is staged once at a time', () => {
    const staged = new Set<string>();
    const clear = () => staged.clear();
    return {
      died: clear,
      closed: clear,
      stage: (seen) =>
        staged.has(keyOf(seen)) ? `${keyOf(seen)} is staged twice at once` : void staged.add(keyOf(seen)),
      unstaged: (seen) => void staged.delete(keyOf(seen)),
    };
  }),

  hygiene('no byte is asked for twice at once', () => {
    const askings = new Askings();
    const keep = askings.keep();
    return {
      ...keep,
      request: (seen) => {
        const isTwice = overlaps(askings.of(seen), rangeIn(seen));
        keep.request(seen);
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

  hygiene('no byte is written over one that is held', (world) => {
    const desks = new Desks(world);
    return {
      ...desks.keep(),
      write: (seen) =>
        overlaps(desks.get(seen).held, { from: seen.from, to: seen.from + seen.bytes })
          ? `${keyOf(seen)} was written at ${seen.from}, where it holds bytes`
          : null,
    };
  }),

  hygiene('bytes are written where they were asked for', (world) => {
    const askings = new Askings();
    return {
      ...askings.keep(),
      write: (seen) =>
        covers(askings.of(seen), { from: seen.from, to: seen.from + seen.bytes })
          ? null
          : `${keyOf(seen)} was written at ${seen.from} in ${world.elapsedMs} ms, which nobody asked for`,
    };
  }),

  hygiene('a range begins where held or wanted bytes end', (world) => {
    const desks = new Desks(world);
    const askings = new Askings();
    const asked = askings.keep();
    /** Who asks for more in the very instant in which another gives up does not know that what lies between will not come. */
    let ended: (Asking & { readonly atMs: number })[] = [];
    return {
      ...desks.keep(),
      ...asked,
      requestEnded: (seen) => {
        const asking = askings.byId.get(seen.id);
        if (asking !== undefined) ended.push({ ...asking, atMs: world.elapsedMs });
        asked.requestEnded(seen);
      },
      died: () => {
        desks.keep().died();
        asked.died();
      },
      closed: () => {
        desks.keep().closed();
        asked.closed();
      },
      request: (seen) => {
        const { held } = desks.get(seen);
        const range = rangeIn(seen);
        ended = ended.filter(({ atMs }) => atMs === world.elapsedMs);
        const wanted = [
          ...askings.of(seen),
          ...ended.filter(({ file }) => file === keyOf(seen)).map((each) => each.range),
        ];
        const edges = [0, ...held.map(({ to }) => to), ...wanted.map(({ to }) => to)];
        asked.request(seen);
        if (overlaps(held, range))
          return `${keyOf(seen)} holds bytes from ${range.from} on, which were asked for again`;
        return edges.includes(range.from) ? null : `${keyOf(seen)} was asked for from ${range.from}, behind a hole`;
      },
    };
  }),

  hygiene('an offset is recorded only when its bytes are synced', (world) => {
    const desks = new Desks(world);
    return {
      ...desks.keep(),
      record: ({ record }) => {
        for (const { core, files } of eventsOf(record.events, 'CoreCheckpointed')) {
          for (const [file, checkpoint] of Object.entries(files)) {
            const { synced } = desks.get({ core, file });
            const loose = rangesOf(checkpoint).find((range) => !covers(synced, range));
            if (loose !== undefined)
              return `${core}/${file}: bytes ${loose.from} to ${loose.to} are recorded and not all synced`;
          }
        }
        return null;
      },
    };
  }),

  hygiene('there is no hole below a recorded offset', (world) => ({
    record: ({ record }) => {
      for (const { core, files } of eventsOf(record.events, 'CoreCheckpointed')) {
        for (const [file, checkpoint] of Object.entries(files)) {
          const path = `/depot/staging/${core}/${file}`;
          const here = world.disk.files(path).get(path)?.length ?? 0;
          const end = rangesOf(checkpoint).at(-1)?.to ?? 0;
          if (here < end) return `${path} has ${here} bytes, ${end} are recorded`;
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
        const checkpoint = world.state.cores.get(seen.core)?.context.durable[seen.file];
        const { dropped, wasReset } = desks.get(seen);
        if (checkpoint === undefined || wasReset) return null;
        const recorded = dropped.reduce<Ranges>(withoutRange, rangesOf(checkpoint));
        if (!overlaps(recorded, rangeIn(seen))) return null;
        return `${keyOf(seen)}: ${recorded.length} ranges were recorded, asked for was from ${seen.from ?? 0}`;
      },
    };
  }),

  hygiene('what is published was synced to the last byte', (world) => {
    const desks = new Desks(world);
    return {
      ...desks.keep(),
      store: ({ call, core, files }) => {
        if (call !== 'publish' || files === null) return null;
        const loose = files.find((file) => {
          const { held, synced } = desks.get({ core, file });
          return held.some((range) => !covers(synced, range));
        });
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
