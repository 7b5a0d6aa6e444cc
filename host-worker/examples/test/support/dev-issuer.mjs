// The development issuer of the `tollgate` program: what a newcomer runs.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** The program, where `cargo xtask test` built it. */
export const program = process.env.TOLLGATE_BIN;

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
