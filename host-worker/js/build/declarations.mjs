import { execFile } from 'node:child_process';
import { copyFile, cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createRequire } from 'node:module';
import { promisify } from 'node:util';
import { ENTRIES } from './bundle.mjs';

const require = createRequire(import.meta.url);

/** Checks the shim against the types that jco derives from the WIT, and emits the public ones. */
export async function declarations(here, glue, out) {
  const types = path.join(glue.gate.types, 'types');
  await mkdir(types, { recursive: true });
  const config = path.join(glue.gate.types, 'tsconfig.json');
  await writeFile(
    config,
    JSON.stringify({
      compilerOptions: {
        strict: true,
        noUncheckedIndexedAccess: true,
        exactOptionalPropertyTypes: false,
        target: 'es2022',
        lib: ['es2023', 'esnext.disposable', 'dom', 'dom.iterable'],
        module: 'nodenext',
        moduleResolution: 'nodenext',
        types: ['node'],
        typeRoots: [path.join(path.dirname(require.resolve('@types/node/package.json')), '..')],
        skipLibCheck: true,
        declaration: true,
        emitDeclarationOnly: true,
        rootDir: path.join(here, 'src'),
        outDir: types,
        paths: {
          tollgate: [path.join(here, 'src', 'worker.ts')],
          '#signatures': [path.join(glue.signatures.types, `${glue.signatures.name}.d.ts`)],
          'tollgate/issuer': [path.join(here, 'src', 'issuer-worker.ts')],
          '#issuer': [path.join(glue.issuer.types, `${glue.issuer.name}.d.ts`)],
          '#issuer/*': [path.join(glue.issuer.types, 'interfaces', 'tollgate-auth-*.d.ts')],
          '#glue': [path.join(glue.gate.types, `${glue.gate.name}.d.ts`)],
          '#glue/*': [path.join(glue.gate.types, 'interfaces', 'tollgate-auth-*.d.ts')],
        },
      },
      files: [...ENTRIES, 'durable-object', 'keycard/index', 'oauth-provider/index']
        .map((name) => path.join(here, 'src', `${name}.ts`))
        .concat(['wasm.d.ts', 'cloudflare-workers.d.ts'].map((name) => path.join(here, 'src', name))),
    }),
  );
  const tsc = path.join(path.dirname(require.resolve('typescript/package.json')), 'bin', 'tsc');
  await promisify(execFile)(process.execPath, [tsc, '--project', config]).catch((error) => {
    throw new Error(`The shim's types do not hold:\n${error.stdout || error.message}`);
  });
  await writeFile(path.join(out, 'index.d.ts'), await published(path.join(types, 'worker.d.ts')));
  await writeFile(path.join(out, 'bare.d.ts'), await published(path.join(types, 'bare.d.ts')));
  await writeFile(path.join(out, 'verifier.d.ts'), await published(path.join(types, 'verifier-worker.d.ts')));
  await writeFile(path.join(out, 'signatures.d.ts'), await published(path.join(types, 'signatures-worker.d.ts')));
  await writeFile(path.join(out, 'node-http.d.ts'), await published(path.join(types, 'node-http.d.ts')));
  await writeFile(path.join(out, 'issuer.d.ts'), await published(path.join(types, 'issuer-worker.d.ts')));
  await mkdir(path.join(out, 'issuer'), { recursive: true });
  await cp(path.join(types, 'keycard'), path.join(out, 'keycard'), {
    recursive: true,
    // Nothing public mentions it.
    filter: (file) => path.basename(file) !== 'gates.d.ts',
  });
  const dropIn = [
    'index',
    'provider',
    'authorization-server',
    'resource-server',
    'errors',
    'protected-resource',
    'types',
  ];
  await mkdir(path.join(out, 'oauth-provider'), { recursive: true });
  for (const name of dropIn.map((one) => path.join('oauth-provider', `${one}.d.ts`)))
    await copyFile(path.join(types, name), path.join(out, name));
  for (const name of [
    'durable-object.d.ts',
    'durable-object-store.d.ts',
    'store.d.ts',
    'store-message.d.ts',
    'memory-store.d.ts',
  ])
    await copyFile(path.join(types, name), path.join(out, name));
  for (const name of ['types.d.ts', 'config.d.ts', 'clients.d.ts', 'errors.d.ts'])
    await copyFile(path.join(types, 'issuer', name), path.join(out, 'issuer', name));
  for (const name of ['types.d.ts', 'token-types.d.ts', 'errors.d.ts', 'config-error.d.ts', 'token-error.d.ts'])
    await copyFile(path.join(types, name), path.join(out, name));
}

/** An entry's declarations; the shims have no types of their own. */
async function published(file) {
  const text = (await readFile(file, 'utf8'))
    .replaceAll("'./shim.js'", "'./errors.js'")
    .replaceAll('"./shim.js"', '"./errors.js"')
    .replaceAll(/(['"])\.\/issuer-shim\.js\1/g, '$1./issuer/errors.js$1')
    .replaceAll(/(['"])\.\/verifier-shim\.js\1/g, '$1./config-error.js$1');
  if (/#(glue|issuer)/.test(text)) throw new Error(`${path.basename(file)} would publish types of the glue.`);
  return text;
}
