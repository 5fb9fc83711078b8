#!/usr/bin/env node
process.stdout.write(`${JSON.stringify({ type: 'result', args: process.argv.slice(2) })}\n`);
