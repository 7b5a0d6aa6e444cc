// The tools that worker-build would download, if this workspace already has them.
import { existsSync } from 'node:fs';
import path from 'node:path';

const workspace = path.resolve(import.meta.dirname, '../../../..');
const cargoTools = path.join(workspace, 'target/tools/bin');

/**
 * Environment variables for `wrangler` and the build command that it runs. What is set already
 * stays: `cargo xtask test` sets them all, and the toolchain with them.
 */
export function buildTools() {
  const found = { PATH: [path.dirname(process.execPath), cargoTools, process.env.PATH].join(path.delimiter) };
  const tools = {
    WASM_BINDGEN_BIN: path.join(cargoTools, 'wasm-bindgen'),
    WASM_OPT_BIN: path.join(workspace, 'node_modules/binaryen/bin/wasm-opt'),
    ESBUILD_BIN: path.join(workspace, 'node_modules/esbuild/bin/esbuild'),
  };
  for (const [name, file] of Object.entries(tools)) {
    if (process.env[name] === undefined && existsSync(file)) found[name] = file;
  }
  return found;
}
