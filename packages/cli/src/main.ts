import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { Script } from 'node:vm';

// The command is one text, and beside it lies what V8 made of it when it was built: to compile it anew took a tenth of a second of each start. Another
// V8, or one with other flags, sees that and compiles.
const url = new URL('./command.script', import.meta.url);
const filename = fileURLToPath(url);
const script = new Script(readFileSync(filename, 'utf8'), { filename, cachedData: readFileSync(`${filename}.cache`) });
const command = script.runInThisContext() as (require: NodeJS.Require, commandUrl: string) => void;
command(createRequire(url), url.href);
