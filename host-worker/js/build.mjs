// Makes the npm package from the components:
//   node host-worker/js/build.mjs --component <tollgate-gate.wasm> --verifier <tollgate-verifier.wasm>
//                                 --issuer <tollgate-issuer.wasm> --signatures <tollgate-signatures.wasm>
//                                 --out <directory>
// `--out` is emptied first. It holds the package exactly as it would be published.
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { bundle } from './build/bundle.mjs';
import { declarations } from './build/declarations.mjs';
import { pack, report } from './build/package.mjs';
import { GATE, ISSUER, SIGNATURES, VERIFIER, transpile } from './build/transpile.mjs';

const here = import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname);
const OPTIONS = ['component', 'verifier', 'issuer', 'signatures', 'out'];

async function main() {
  const { values } = parseArgs({
    options: Object.fromEntries(OPTIONS.map((name) => [name, { type: 'string' }])),
  });
  if (OPTIONS.some((name) => values[name] === undefined)) {
    const usage = OPTIONS.map((name) => `--${name} <…>`).join(' ');
    throw new Error(`Say what to build: node host-worker/js/build.mjs ${usage}`);
  }
  const out = path.resolve(values.out);
  const read = (file) =>
    readFile(file).catch(() => {
      throw new Error(`There is no component at ${file}: run \`cargo xtask build\`, which makes it first.`);
    });
  const transpiled = async (which, file) => {
    const component = await read(file);
    say(`transpiling ${path.basename(file)} (${kb(component.length)})`);
    return transpile(component, which, path.join(scratch, which.name));
  };

  const scratch = await mkdtemp(path.join(tmpdir(), 'tollgate-js-'));
  try {
    const glue = {
      gate: await transpiled(GATE, values.component),
      verifier: await transpiled(VERIFIER, values.verifier),
      issuer: await transpiled(ISSUER, values.issuer),
      signatures: await transpiled(SIGNATURES, values.signatures),
    };
    await rm(out, { recursive: true, force: true });
    await mkdir(out, { recursive: true });
    say('bundling the shim');
    await bundle(here, glue, out);
    say('checking types and writing declarations');
    await declarations(here, glue, out);
    await pack(here, glue, out);
    for (const line of await report(out)) say(`${path.relative(process.cwd(), out) || out}: ${line}`);
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
