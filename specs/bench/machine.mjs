// Where and when a bench ran.
import { execFileSync } from 'node:child_process';
import { arch, cpus, loadavg, release } from 'node:os';
import process from 'node:process';

const firstLine = (program, ...args) => execFileSync(program, args, { encoding: 'utf8' }).split('\n')[0];

export function describeMachine() {
  const cores = cpus();
  return {
    when: `${new Date().toISOString().slice(0, 16).replace('T', ' ')} UTC`,
    processor: `${cores.length} × ${cores[0].model.trim()} (${arch()})`,
    kernel: `Linux ${release()}`,
    node: process.versions.node,
    curl: firstLine('curl', '--version').split(' ').slice(0, 2).join(' '),
    load: loadavg()
      .map((each) => each.toFixed(2))
      .join(', '),
  };
}
