// `program.mjs SEED...` prints the traces of these seeds as one JSON array.
import process from 'node:process';
import { tracesOf } from './traces.mjs';

process.stdout.write(JSON.stringify(await tracesOf(process.argv.slice(2).map(Number))));
