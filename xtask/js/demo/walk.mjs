// The walk of `cargo xtask demo`: requests to Workers in workerd and to their issuer, each answer
// checked. Ends with status 1 at the first answer that is not the one expected.
//   node walk.mjs <MCP server> <delegated MCP server> <API> <issuer>
// All are origins.
import { walkTheChain } from './chain.mjs';
import { walkTheGate } from './gate.mjs';
import { run } from './script.mjs';

const [server, delegated, upstream, issuer] = process.argv.slice(2);

await run(
  () => walkTheGate(server, issuer),
  () => walkTheChain(delegated, upstream, issuer),
);
