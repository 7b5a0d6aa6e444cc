// The development issuer of the `tollgate` program: what a newcomer runs.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';

const built = path.resolve(import.meta.dirname, '../../../../target/debug/tollgate');

/** The program: `TOLLGATE_BIN`, else where `cargo build -p tollgate` leaves it; undefined without one. */
export const program = process.env.TOLLGATE_BIN ?? (existsSync(built) ? built : undefined);

export async function startDevIssuer() {
  const child = spawn(program, ['dev-issuer', '--port', '0', '--until-stdin-closes'], { stdio: ['pipe', 'pipe', 'ignore'] });
  const [line] = await once(createInterface({ input: child.stdout }), 'line');
  return {
    url: JSON.parse(line).issuer,
    async stop() {
      child.stdin.end();
      await once(child, 'exit');
    },
  };
}
