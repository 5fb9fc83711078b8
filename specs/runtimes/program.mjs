// `program.mjs FIRST COUNT` prints the traces of so many seeds as one JSON array.
import process from 'node:process';
import { tracesOf } from './traces.mjs';

const [first, count] = process.argv.slice(2).map(Number);
process.stdout.write(JSON.stringify(await tracesOf(first, count)));
