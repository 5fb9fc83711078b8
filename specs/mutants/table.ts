import { SAFEGUARDS } from './safeguards.js';
import type { Red } from './suites.js';

function placeOf(suite: Red['suite']): string {
  if (suite === 'unit') return 'only a unit test';
  if (suite === 'worlds') return 'simulated worlds';
  const [place, port] = suite.split('/');
  return place === 'memory' || place === 'node' ? `conformance, ${port} of ${place}` : `specs/${suite}`;
}

/** What turned red, and where; as it stands in the table. */
type Row = readonly [sentence: string, where: string];

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

/** The rows of a table that was written before, by safeguard. */
export function rowsOf(table: string): Map<string, Row> {
  const lines = table.split('\n').flatMap((line) => /^\| (\S+) \| (.*) \| (.*) \| (.*) \|$/.exec(line) ?? []);
  const rows = new Map<string, Row>();
  for (let i = 0; i < lines.length; i += 5) rows.set(lines[i + 1] ?? '', [lines[i + 3] ?? '', lines[i + 4] ?? '']);
  return rows;
}

/** The table with these results in it; of safeguards that were not looked at it tells what it told before. Holds nothing that changes by itself. */
export function tableOf(reds: ReadonlyMap<string, Red | null>, before: ReadonlyMap<string, Row>): string {
  const rowOf = (id: string, survives: string | undefined): Row => {
    const red = reds.get(id);
    if (red === undefined) return before.get(id) ?? ['', 'not looked at yet'];
    if (red !== null && red.suite !== 'unit') return [cell(red.sentence), placeOf(red.suite)];
    return [cell(survives === undefined ? '' : `nothing: ${survives}`), red === null ? '' : placeOf(red.suite)];
  };
  const lines = [
    '# What turns red when a safeguard is taken away',
    '',
    'Written by `npm run mutants`. A safeguard whose third column begins with "nothing" is held by another one, too.',
  ];
  for (const [place, safeguards] of Object.entries(SAFEGUARDS)) {
    lines.push(
      '',
      `## ${place}`,
      '',
      '| safeguard | what it protects | what turns red | where |',
      '| --- | --- | --- | --- |',
    );
    for (const { id, protects, survives } of safeguards) {
      const [sentence, where] = rowOf(id, survives);
      lines.push(`| ${id} | ${cell(protects)} | ${sentence} | ${where} |`);
    }
  }
  return `${lines.join('\n')}\n`;
}
