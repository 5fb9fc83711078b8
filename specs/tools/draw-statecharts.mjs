// Draws the statecharts of the two machines from the machines themselves: a picture and a table of each.
//
//   node specs/tools/draw-statecharts.mjs            writes specs/statecharts/{core,voice}.{svg,md}
//   node specs/tools/draw-statecharts.mjs --check    writes nothing; exits 1 and names the files that are stale
//
// The same machine gives the same bytes: no clock, no luck, no order that depends on the host. Needs a build (`npm run build`).
import { readFileSync, writeFileSync } from 'node:fs';
import { CORE_PHASES, coreMachine, emptyCoreContext, VOICE_PHASES, voiceMachine } from '@lading/core';

const folder = new URL('../statecharts/', import.meta.url);

const charts = [
  {
    name: 'core',
    title: 'The life of a core',
    about: 'A core is what is downloaded, proven, installed and deleted: an archive, one file or many files.',
    machine: coreMachine,
    phases: CORE_PHASES,
    context: emptyCoreContext('core'),
  },
  {
    name: 'voice',
    title: 'The life of a voice',
    about:
      'A voice, a model or a core asked for by its own id: a wish. It has no effects; its demand on cores moves the world.',
    machine: voiceMachine,
    phases: VOICE_PHASES,
    context: {},
  },
];

/** The effects that a list of actions names. Effects are actions of that name whose parameters follow from the context. */
function effectsOf(actions, context) {
  const effects = actions.filter((action) => action.type === 'effect');
  return effects.map(({ params }) => (typeof params === 'function' ? params({ context }) : params).type);
}

function movesOf(transitions, from, context) {
  return [...transitions].flatMap(([event, branches]) =>
    branches.map((branch, i) => ({
      from,
      event,
      guard: branch.guard ?? (i > 0 ? 'otherwise' : null),
      to: branch.target?.[0]?.key ?? from,
      again: branch.reenter === true,
      effects: effectsOf(branch.actions, context),
    })),
  );
}

/** The machine as plain rows, in the order in which it is written. */
function tableOf({ machine, phases, context }) {
  const { root } = machine;
  const named = Object.keys(root.states);
  const strange = [...phases, ...named].filter((phase) => !phases.includes(phase) || !named.includes(phase));
  if (strange.length > 0) throw new Error(`the machine and the list of phases disagree about ${strange.join(', ')}`);
  return {
    initial: root.initial.target[0].key,
    entry: new Map(phases.map((phase) => [phase, effectsOf(root.states[phase].entry, context)])),
    moves: phases.flatMap((phase) => movesOf(root.states[phase].transitions, phase, context)),
    everywhere: movesOf(root.transitions, '', context).map((move) => move.event),
  };
}

// The table

/** A Markdown table whose columns stand below each other; the first row is its head. */
function aligned([head, ...rows]) {
  const widths = head.map((_, column) => Math.max(...[head, ...rows].map((row) => row[column].length)));
  const line = (row) => `| ${row.map((cell, column) => cell.padEnd(widths[column])).join(' | ')} |`;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)];
}

function markdownOf(chart, table) {
  const code = (text) => `\`${text}\``;
  const list = (texts) => (texts.length === 0 ? '–' : texts.map(code).join(', '));
  const nextOf = ({ from, to, again }) => (to !== from ? code(to) : again ? `${code(to)}, entered again` : 'stays');
  const effectsAt = (move) => {
    const entered = move.to !== move.from || move.again ? table.entry.get(move.to) : [];
    return list([...move.effects, ...entered]);
  };
  const lines = [
    '<!-- Written by specs/tools/draw-statecharts.mjs from the machine itself. Do not edit. -->',
    `# ${chart.title}`,
    '',
    `${chart.about} The machine is in \`packages/core/src/${chart.name}-machine.ts\`.`,
    '',
    `![${chart.title}](${chart.name}.svg)`,
    '',
    `It begins as ${code(table.initial)}.`,
    '',
    ...aligned([
      ['phase', 'effect named on entry'],
      ...chart.phases.map((phase) => [code(phase), list(table.entry.get(phase))]),
    ]),
    '',
    ...aligned([
      ['in phase', 'event', 'when', 'next phase', 'effects'],
      ...table.moves.map((move) => [
        code(move.from),
        code(move.event),
        move.guard ?? '',
        nextOf(move),
        effectsAt(move),
      ]),
    ]),
  ];
  if (table.everywhere.length > 0) {
    const events = table.everywhere.map(code).join(' and ');
    lines.push(
      '',
      `In every phase whose own rows do not name them, ${events} are accepted too: the phase stays, only what is remembered changes.`,
    );
  }
  lines.push(
    '',
    'Any other event is a fault of the history: `evolve` throws `UnacceptedEvent`, and nothing is guessed.',
    '',
  );
  return lines.join('\n');
}

// The picture: two columns of phases with a switchboard between them. Each phase has one wire out; each kind of event that leads to one phase
// has a rail of its own; a dot joins a wire to a rail, and the rail ends in an arrow.

const STEP = 22;
const BOX_WIDTH = 226;
const MARGIN = 28;
const LABEL_ROOM = 218;
const RAIL_ROOM = 26;
const TOP = 132;
const INK = '#1f2933';
const WIRE = '#8a94a0';
const FILL = { plain: '#ffffff', work: '#eef5ff', rest: '#eefaf1', side: '#fff8ec' };
/** Dark enough to be read on white: each has a contrast above 4.5. */
const COLOURS = [
  '#1f5fae',
  '#a1430a',
  '#1b7340',
  '#8a2a86',
  '#b3261e',
  '#5b5b00',
  '#00707a',
  '#5a45b8',
  '#9c2860',
  '#3f6212',
  '#6b4a2b',
  '#334e68',
  '#7a3e00',
];

const escaped = (text) => text.replace(/[&<>"]/g, (char) => `&#${char.charCodeAt(0)};`);

/** The phases down the left: as far as each leads straight on to the next that is written. The others stand at the right. */
function columnsOf(chart, table) {
  const leads = (from, to) => table.moves.some((move) => move.from === from && move.to === to);
  const left = [table.initial];
  for (const phase of chart.phases.slice(chart.phases.indexOf(table.initial) + 1)) {
    if (!leads(left.at(-1), phase)) break;
    left.push(phase);
  }
  return { left, right: chart.phases.filter((phase) => !left.includes(phase)) };
}

const labelOf = ({ event, guard }) => (guard === null ? event : `${event} [${guard}]`);

/** A move from a phase of the left to the one below it is an arrow between the boxes; all others run over rails. */
function routesOf(table, left) {
  const moves = table.moves.filter((move) => move.from !== move.to);
  const isBelow = (move) => left.includes(move.from) && left[left.indexOf(move.from) + 1] === move.to;
  const isShared = (move) =>
    moves.some((other) => other.from !== move.from && other.to === move.to && labelOf(other) === labelOf(move));
  const isAlone = (move) => !moves.some((other) => other !== move && other.from === move.from && other.to === move.to);
  const isStep = (move) => isBelow(move) && (isAlone(move) || !isShared(move));
  const rails = new Map();
  for (const move of moves.filter((each) => !isStep(each))) {
    const key = `${move.to} ${labelOf(move)}`;
    const rail = rails.get(key) ?? { to: move.to, label: labelOf(move), from: [] };
    rail.from.push(move.from);
    rails.set(key, rail);
  }
  return { steps: moves.filter(isStep), rails: [...rails.values()] };
}

function boxesOf(phases, rails, x, isLeft, linesOf) {
  // Left and right wires lie on different heights, so that none runs on top of another.
  let y = TOP + (isLeft ? 0 : STEP / 2);
  return phases.map((phase) => {
    const inputs = rails.filter((rail) => rail.to === phase);
    const hasOutput = rails.some((rail) => rail.from.includes(phase));
    const slots = inputs.length + (hasOutput ? 1 : 0);
    const lines = linesOf(phase);
    const height = STEP * Math.max(slots + 1, Math.ceil((34 + lines.length * 16) / STEP));
    const box = { phase, x, y, height, lines, isLeft, edge: isLeft ? x + BOX_WIDTH : x };
    box.inputs = new Map(inputs.map((rail, i) => [rail, y + STEP * (i + 1)]));
    box.output = hasOutput ? y + STEP * slots : null;
    y += height + STEP * 2;
    return box;
  });
}

function pictureOf(chart, table) {
  const { left, right } = columnsOf(chart, table);
  const { steps, rails } = routesOf(table, left);
  const order = [...left, ...right];
  rails.sort((a, b) => order.indexOf(a.to) - order.indexOf(b.to));
  const linesOf = (phase) => {
    const effects = table.entry.get(phase);
    const own = table.moves.filter((move) => move.from === phase && move.to === phase);
    const stays = own.filter((move) => !move.again).map((move) => move.event);
    return [
      ...effects.map((effect) => ({ text: `does: ${effect}`, isEffect: true })),
      ...stays.map((event) => ({ text: `stays on ${event}` })),
      ...own.filter((move) => move.again).map((move) => ({ text: `again on ${move.event}` })),
    ];
  };
  const railX = (i) => MARGIN + BOX_WIDTH + LABEL_ROOM + RAIL_ROOM * i;
  const rightX = railX(rails.length - 1) + LABEL_ROOM;
  const boxes = [...boxesOf(left, rails, MARGIN, true, linesOf), ...boxesOf(right, rails, rightX, false, linesOf)];
  const boxOf = new Map(boxes.map((box) => [box.phase, box]));
  const bottom = Math.max(...boxes.map((box) => box.y + box.height));
  const width = rightX + BOX_WIDTH + MARGIN;
  const height = bottom + 44;
  const parts = [];

  for (const box of boxes) {
    if (box.output === null) continue;
    const joined = rails.map((rail, i) => (rail.from.includes(box.phase) ? railX(i) : null)).filter((x) => x !== null);
    const end = box.isLeft ? Math.max(...joined) : Math.min(...joined);
    parts.push(`<path d="M${box.edge} ${box.output}H${end}" stroke="${WIRE}" stroke-width="1.3" fill="none"/>`);
  }
  rails.forEach((rail, i) => {
    const colour = COLOURS[i % COLOURS.length];
    const target = boxOf.get(rail.to);
    const y = target.inputs.get(rail);
    const sources = rail.from.map((phase) => boxOf.get(phase).output);
    const x = railX(i);
    const tip = target.isLeft ? target.edge + 8 : target.edge - 8;
    parts.push(
      `<path d="M${x} ${Math.min(y, ...sources)}V${Math.max(y, ...sources)}M${x} ${y}H${tip}" stroke="${colour}" stroke-width="2" fill="none"/>`,
    );
    parts.push(`<path d="M${target.edge} ${y}l${target.isLeft ? 9 : -9} -4.5v9z" fill="${colour}"/>`);
    for (const source of sources) parts.push(`<circle cx="${x}" cy="${source}" r="3.8" fill="${colour}"/>`);
    const at = target.isLeft ? `x="${target.edge + 13}"` : `x="${target.edge - 13}" text-anchor="end"`;
    parts.push(`<text ${at} y="${y - 4.5}" class="label" fill="${colour}">${escaped(rail.label)}</text>`);
  });
  const together = new Map();
  for (const step of steps)
    together.set(`${step.from} ${step.to}`, [...(together.get(`${step.from} ${step.to}`) ?? []), step]);
  for (const group of together.values()) {
    const from = boxOf.get(group[0].from);
    const to = boxOf.get(group[0].to);
    const x = MARGIN + 40;
    const label = group
      .map((step) => [labelOf(step), ...step.effects.map((effect) => `does: ${effect}`)].join(', '))
      .join(' or ');
    parts.push(`<path d="M${x} ${from.y + from.height}V${to.y - 8}" stroke="${INK}" stroke-width="2" fill="none"/>`);
    parts.push(`<path d="M${x} ${to.y}l-4.5 -9h9z" fill="${INK}"/>`);
    parts.push(
      `<text x="${x + 12}" y="${from.y + from.height + STEP + 4}" class="label" fill="${INK}">${escaped(label)}</text>`,
    );
  }
  for (const box of boxes) {
    const hasEffect = box.lines.some((line) => line.isEffect);
    const fill = !box.isLeft ? FILL.side : hasEffect ? FILL.work : box.phase === 'ready' ? FILL.rest : FILL.plain;
    const dash = box.phase === table.initial ? ' stroke-dasharray="6 3"' : '';
    parts.push(
      `<rect x="${box.x}" y="${box.y}" width="${BOX_WIDTH}" height="${box.height}" rx="8" fill="${fill}" stroke="${INK}" stroke-width="1.5"${dash}/>`,
    );
    parts.push(`<text x="${box.x + 14}" y="${box.y + 23}" class="phase">${box.phase}</text>`);
    box.lines.forEach((line, i) => {
      const style = line.isEffect ? 'effect' : 'note';
      parts.push(`<text x="${box.x + 14}" y="${box.y + 42 + i * 16}" class="${style}">${escaped(line.text)}</text>`);
    });
  }

  const legend = [
    'Dashed box: where it begins.  “does”: the effect that entering the phase names.  “stays”, “again”: the phase stays, or is entered again.',
    'Grey wire: the way out of a phase.  A dot joins it to the event’s rail, whose arrow ends at the next phase.  No dot, no joint.',
  ];
  if (table.everywhere.length > 0) {
    legend.push(
      `In every phase, ${table.everywhere.join(' and ')} are accepted; where no arrow or note says more, the phase stays.`,
    );
  }
  const sentences = table.moves
    .filter((move) => move.from !== move.to)
    .map((move) => `${move.from}, on ${labelOf(move)}, to ${move.to}.`);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-labelledby="title desc" font-family="ui-sans-serif, system-ui, 'DejaVu Sans', sans-serif">`,
    `<title id="title">${escaped(chart.title)}</title>`,
    `<desc id="desc">${escaped(`${chart.about} It begins as ${table.initial}. ${sentences.join(' ')}`)}</desc>`,
    '<!-- Written by specs/tools/draw-statecharts.mjs from the machine itself. Do not edit. -->',
    `<style>.phase{font-size:16px;font-weight:700;fill:${INK}}.effect{font-size:12.5px;font-weight:600;fill:#1f5fae}.note{font-size:12px;fill:#4a5563}.label{font-size:12px;font-weight:600}.head{font-size:22px;font-weight:700;fill:${INK}}.legend{font-size:12.5px;fill:#4a5563}</style>`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    `<text x="${MARGIN}" y="40" class="head">${escaped(chart.title)}</text>`,
    ...legend.map((text, i) => `<text x="${MARGIN}" y="${64 + i * 19}" class="legend">${escaped(text)}</text>`),
    ...parts,
    '</svg>',
    '',
  ].join('\n');
}

function textOf(name) {
  try {
    return readFileSync(new URL(name, folder), 'utf8');
  } catch (error) {
    if (error.code === 'ENOENT') return null;
    throw error;
  }
}

const options = process.argv.slice(2);
const isCheck = options[0] === '--check';
if (options.length > (isCheck ? 1 : 0)) throw new Error('usage: draw-statecharts.mjs [--check]');

const files = charts.flatMap((chart) => {
  const table = tableOf(chart);
  return [
    [`${chart.name}.svg`, pictureOf(chart, table)],
    [`${chart.name}.md`, markdownOf(chart, table)],
  ];
});
const stale = files.filter(([name, text]) => textOf(name) !== text);
for (const [name, text] of stale) {
  if (!isCheck) writeFileSync(new URL(name, folder), text);
  console.log(
    `specs/statecharts/${name} ${isCheck ? 'is stale: run node specs/tools/draw-statecharts.mjs' : 'written'}`,
  );
}
console.log(`${files.length - stale.length} of ${files.length} files are unchanged`);
if (isCheck && stale.length > 0) process.exitCode = 1;
