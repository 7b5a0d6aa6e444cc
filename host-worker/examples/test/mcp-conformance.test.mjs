// The MCP project's conformance tool against the MCP server example, through its gate.
//
// With TOLLGATE_MCP_CONFORMANCE=<file>, the results are also written there as JSON.
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import { startIssuer } from '../../js/test/support/issuer.mjs';
import { conformance, revisions } from './support/conformance.mjs';
import { freePort } from './support/free-port.mjs';
import { startTokenProxy } from './support/token-proxy.mjs';
import { build, start } from './support/worker.mjs';

describe('MCP conformance', async () => {
  const report = {};
  let built;
  let issuer;
  let proxy;
  let worker;

  before(async () => {
    built = await build('mcp-server');
    issuer = await startIssuer();
    // The tool's requests carry the proxy's address as Host and Origin, so that is the server's.
    const port = await freePort();
    const origin = `http://localhost:${port}`;
    worker = await start(built, {
      TOLLGATE_ISSUER: issuer.url,
      TOLLGATE_RESOURCE: origin,
      TOLLGATE_AUDIENCE: `${origin}/mcp`,
      ALLOWED_ORIGINS: origin,
    });
    const token = await issuer.mint({ sub: 'conformance', scope: 'mcp:read mcp:write', aud: `${origin}/mcp` });
    proxy = await startTokenProxy(worker.url, async () => token, port);
  });
  after(async () => {
    await proxy?.stop();
    await worker?.stop();
    await issuer?.close();
    await built?.remove();
    if (process.env.TOLLGATE_MCP_CONFORMANCE) {
      await writeFile(process.env.TOLLGATE_MCP_CONFORMANCE, `${JSON.stringify(report, null, 2)}\n`);
    }
  });

  for (const revision of await revisions()) {
    it(`passes the scenarios of ${revision} that apply`, async () => {
      const results = await conformance(new URL('/mcp', proxy.url), revision);
      report[revision] = results;
      const problems = results.flatMap(({ scenario, problems }) =>
        problems.map((problem) => `${scenario}: ${problem}`),
      );
      assert.deepEqual(problems, []);
    });
  }
});
