import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { Script } from 'node:vm';

// The command is one text, and beside it lies what V8 made of it when it was built: to compile it anew takes a tenth of a second of each start.
// Such code fits the Node that it was made by and no other: V8 does not notice every difference, and dies of some.
const url = new URL('./command.script', import.meta.url);
const filename = fileURLToPath(url);
const compiled = `${filename}.${process.version}-${process.platform}-${process.arch}`;
const script = new Script(readFileSync(filename, 'utf8'), {
  filename,
  ...(existsSync(compiled) ? { cachedData: readFileSync(compiled) } : {}),
});
const command = script.runInThisContext() as (require: NodeJS.Require, commandUrl: string) => void;
command(createRequire(url), url.href);
