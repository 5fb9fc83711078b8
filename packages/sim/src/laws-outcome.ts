import { imageOf, stateOf } from '@lading/core';
import { hexDigest } from '@lading/memory';
import { eventsOf } from '@lading/runtime';
import { type Law, outcome } from './law.js';
import { Editions, finalFiles } from './look.js';
import type { World } from './world.js';

function wrongFinalFile(world: World, editions: Editions): string | null {
  const wrong = finalFiles(world).find(({ path, core, file, bytes }) => {
    return !world.disk.damaged.has(path) && !editions.isRight(core, file, bytes);
  });
  return wrong === undefined ? null : `${wrong.path} holds ${wrong.bytes.length} bytes that nobody published`;
}

/** What the journal says is installed and the disk does not hold. */
function missingInstalled(world: World): string | null {
  for (const [id, { context, phase }] of world.state.cores.entries()) {
    if (context.installed === null || phase === 'deleting') continue;
    const { generation, files } = context.installed;
    for (const file of files) {
      const path = `/depot/cores/${id}/${generation}/${file.filename}`;
      if (world.disk.damaged.has(path)) continue;
      const bytes = world.disk.files(path).get(path);
      if (bytes?.length !== file.sizeBytes)
        return `${path} should hold ${file.sizeBytes} bytes and has ${bytes?.length ?? 'none'}`;
    }
  }
  return null;
}

/** The installation named in an event is complete, and says of its files what is so. */
function falseInstallation(
  world: World,
  editions: Editions,
  event: {
    core: string;
    revision: string;
    generation: string;
    files: readonly { filename: string; sizeBytes: number; sha256: string }[];
  },
): string | null {
  const names = editions.names(event.core, event.revision);
  if (names === null) return `${event.core} was installed at a revision that no catalog has`;
  const missing = names.filter((name) => !event.files.some((file) => file.filename === name));
  if (missing.length > 0 || event.files.length !== names.length)
    return `${event.core} was installed without ${missing.join(', ')}`;
  for (const file of event.files) {
    const path = `/depot/cores/${event.core}/${event.generation}/${file.filename}`;
    // What was damaged between its publication and its record was right when it was published.
    if (world.disk.damaged.has(path)) continue;
    const bytes = world.disk.files(path).get(path);
    if (bytes === undefined || !editions.isRight(event.core, file.filename, bytes, event.revision))
      return `${path} was installed and is not what the manifest names`;
    if (file.sizeBytes !== bytes.length || file.sha256 !== hexDigest('sha256', bytes))
      return `${path}: the event tells another size or digest`;
  }
  return null;
}

export const OUTCOME_LAWS: readonly Law[] = [
  outcome('a file under a final name is right at every instant', (world) => {
    const editions = new Editions(world);
    const look = () => wrongFinalFile(world, editions);
    return {
      opening: () => editions.note(),
      died: look,
      rest: look,
      end: look,
      record: ({ record }) =>
        record.events.some(({ type }) => type === 'CoreInstalled' || type === 'CoreDeleted') ? look() : null,
    };
  }),

  outcome('ready means that every file of the manifest is there with its size and digest', (world) => {
    const editions = new Editions(world);
    return {
      opening: () => editions.note(),
      record: ({ record }) =>
        eventsOf(record.events, 'CoreInstalled')
          .map((event) => falseInstallation(world, editions, event))
          .find((word) => word !== null),
    };
  }),

  outcome('what the journal calls installed is on the disk', (world) => {
    const look = () => (world.isOpen ? missingInstalled(world) : null);
    return { opened: look, rest: look, end: look };
  }),

  outcome('the journal replays to the live state', (world) => {
    const look = () => {
      if (!world.isOpen) return null;
      const [live, told] = [imageOf(world.depot.state), imageOf(world.chronicle.state)].map((image) =>
        JSON.stringify(image),
      );
      return live === told ? null : `live ${live}, replayed ${told}`;
    };
    return {
      opened: look,
      rest: look,
      end: look,
      look: () => (world.isOpen && world.depot.state.position !== world.chronicle.state.position ? look() : null),
    };
  }),

  outcome('a snapshot reads back to the same state', (world) => ({
    rest: () => {
      const image = JSON.stringify(imageOf(world.chronicle.state));
      const again = stateOf(JSON.parse(image));
      if (JSON.stringify(imageOf(again)) !== image) return `${image} reads back differently`;
      const demand = ({ demand: all }: typeof again) =>
        JSON.stringify(
          [...all.entries()].map(([id, { holders, wanters, leavers }]) => [
            id,
            ...[holders, wanters, leavers].map((set) => [...set.keys()]),
          ]),
        );
      return demand(again) === demand(world.chronicle.state)
        ? null
        : 'who wants what is derived differently from a snapshot';
    },
  })),

  outcome('nothing that was recorded is forgotten', (world) => {
    let recorded: readonly string[] = [];
    // Written by one who died or failed before it was acknowledged: may be there, may be gone.
    const open = new Set<string>();
    return {
      append: ({ records }) => {
        for (const record of records) open.add(JSON.stringify(record));
      },
      durable: () => {
        const { records } = world.chronicle;
        const isLonger = records.length >= recorded.length;
        recorded = isLonger
          ? [...recorded, ...records.slice(recorded.length).map((record) => JSON.stringify(record))]
          : recorded;
      },
      loaded: ({ image }) => {
        if (image.snapshot !== null) return null;
        const told = image.records.map((record) => JSON.stringify(record));
        const lost = recorded.findIndex((record, i) => record !== told[i]);
        if (lost !== -1) return `record ${lost} of ${recorded.length} is gone: ${recorded[lost]}`;
        const invented = told.slice(recorded.length).find((record) => !open.has(record));
        return invented === undefined ? null : `nobody wrote ${invented}`;
      },
    };
  }),

  outcome('usage equals what the disk holds', (world) => ({
    counted: ({ usage }) => {
      const sum = (path: string) =>
        [...world.disk.files(path).values()].reduce((total, bytes) => total + bytes.length, 0);
      const told = [usage.cores, usage.staging].map((part) =>
        Object.values(part).reduce((total, bytes) => total + bytes, 0),
      );
      const held = [sum('/depot/cores'), sum('/depot/staging')];
      if (told.join() !== held.join()) return `usage tells ${told.join(' + ')}, the disk holds ${held.join(' + ')}`;
      return sum('/depot') === usage.otherBytes + (told[0] ?? 0) + (told[1] ?? 0)
        ? null
        : `the rest is not ${usage.otherBytes} bytes`;
    },
  })),

  outcome('verify finds exactly what was damaged', (world) => ({
    inspected: ({ inspections }) => {
      const found = inspections
        .flatMap(({ core, generation, damaged }) =>
          damaged.map(({ filename }) => `/depot/cores/${core}/${generation}/${filename}`),
        )
        .sort();
      const installed = new Set(
        [...world.state.cores.entries()].flatMap(
          ([id, { context }]) =>
            context.installed?.files.map(
              ({ filename }) => `/depot/cores/${id}/${context.installed?.generation}/${filename}`,
            ) ?? [],
        ),
      );
      const damaged = [...world.disk.damaged].filter((path) => installed.has(path)).sort();
      return found.join() === damaged.join()
        ? null
        : `damaged were [${damaged.join(', ')}], found [${found.join(', ')}]`;
    },
  })),

  outcome('a file that only a weak digest vouches for is installed with a warning', (world) => ({
    record: ({ record }) => {
      for (const { core, weak, files } of eventsOf(record.events, 'CoreInstalled')) {
        const spec = world.goods.catalog.core(core);
        if (spec === undefined || spec.archive !== null) continue;
        for (const { filename, contents } of spec.files) {
          const size = files.find((file) => file.filename === filename)?.sizeBytes;
          const isWeak = contents.find((content) => content.sizeBytes === size)?.sha256 === null;
          if (isWeak !== weak.includes(filename))
            return `${core}/${filename} is ${isWeak ? '' : 'not '}weak, and the event does not say so`;
        }
      }
      return null;
    },
  })),
];
