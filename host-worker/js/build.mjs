// Makes the npm package from the component:
//   node host-worker/js/build.mjs --component <tollgate-gate.wasm> --signatures <tollgate-signatures.wasm> --out <directory>
// `--out` is emptied first. It holds the package exactly as it would be published.
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { bundle } from './build/bundle.mjs';
import { declarations } from './build/declarations.mjs';
import { pack, report } from './build/package.mjs';
import { GATE, SIGNATURES, transpile } from './build/transpile.mjs';

const here = import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname);

async function main() {
  const { values } = parseArgs({
    options: { component: { type: 'string' }, signatures: { type: 'string' }, out: { type: 'string' } },
  });
  if (values.component === undefined || values.signatures === undefined || values.out === undefined) {
    throw new Error(
      'Say what to build: node host-worker/js/build.mjs --component <tollgate-gate.wasm> --signatures <tollgate-signatures.wasm> --out <directory>',
    );
  }
  const out = path.resolve(values.out);
  const read = (file) =>
    readFile(file).catch(() => {
      throw new Error(`There is no component at ${file}: run \`cargo xtask build\`, which makes it first.`);
    });
  const [component, signatures] = [await read(values.component), await read(values.signatures)];

  const scratch = await mkdtemp(path.join(tmpdir(), 'tollgate-js-'));
  try {
    say(`transpiling ${path.basename(values.component)} (${kb(component.length)})`);
    const glue = await transpile(component, GATE, path.join(scratch, 'gate'));
    say(`transpiling ${path.basename(values.signatures)} (${kb(signatures.length)})`);
    glue.signatures = await transpile(signatures, SIGNATURES, path.join(scratch, 'signatures'));
    await rm(out, { recursive: true, force: true });
    await mkdir(out, { recursive: true });
    say('bundling the shim');
    await bundle(here, glue, out);
    say('checking types and writing declarations');
    await declarations(here, glue, out);
    await pack(here, glue, out);
    say(`${path.relative(process.cwd(), out) || out}: ${await report(out)}`);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

function say(line) {
  console.log(`npm package: ${line}`);
}

function kb(bytes) {
  return `${Math.round(bytes / 1000)} KB`;
}

main().catch((error) => {
  console.error(`npm package: ${error.message}`);
  process.exitCode = 1;
});
