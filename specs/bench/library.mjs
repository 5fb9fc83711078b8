// Lading in a program's own process: `library.mjs ID DIR CATALOG`, opens a depot, downloads, closes, and says nothing.
import process from 'node:process';
import { openDepot } from '@lading/node';

const [, , id, dir, catalog] = process.argv;
const depot = await openDepot({ dir, catalog });
await depot.download(id);
await depot.close();
