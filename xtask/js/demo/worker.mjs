// Runs the MCP server in workerd until it is stopped, from the example's own configuration:
//   node worker.mjs <port> <issuer> <folder for what it keeps>
// Prints "Ready on <URL>" when it answers.
import { execFile } from "node:child_process";
import { rm } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { start } from "../../../host-worker/examples/test/support/worker.mjs";

const [port, issuer, folder] = process.argv.slice(2);
const root = path.resolve(import.meta.dirname, "../../..");
const example = path.join(root, "host-worker/examples/mcp-server");
const configuration = path.join(example, "wrangler.jsonc");
const dist = path.join(folder, "dist");
const wrangler = path.join(root, "node_modules/wrangler/bin/wrangler.js");

// Notes of an earlier walk are no part of this one.
await rm(folder, { recursive: true, force: true });

// Bundled once and not watched: a build meanwhile would restart the Worker, and its keys with it.
const alias = `tollgate:${path.join(import.meta.dirname, "tollgate.js")}`;
const bundle = ["deploy", "--dry-run", "--env", "", "--outdir", dist, "--alias", alias];
await promisify(execFile)(process.execPath, [wrangler, ...bundle], {
  cwd: example,
  env: { ...process.env, WRANGLER_SEND_METRICS: "false", CI: "true" },
});

const origin = `http://127.0.0.1:${port}`;
const vars = {
  TOLLGATE_ISSUER: issuer,
  TOLLGATE_RESOURCE: origin,
  TOLLGATE_AUDIENCE: `${origin}/mcp`,
  ALLOWED_ORIGINS: origin,
};
const worker = await start({ configuration, environment: "", dist }, vars, {
  storage: path.join(folder, "storage"),
  port: Number(port),
});
process.once("SIGTERM", async () => {
  await worker.stop();
  process.exit();
});
console.log(`Ready on ${worker.url}`);
