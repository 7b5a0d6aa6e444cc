// The walk of `cargo xtask demo`: requests to an MCP server in workerd and to its issuer, each
// answer checked. Ends with status 1 at the first answer that is not the one expected.
//   node walk.mjs <MCP server's origin> <issuer>
import { setTimeout as sleep } from "node:timers/promises";
import { answer, heading, remark, request, short, surprise } from "./show.mjs";

const [server, issuer] = process.argv.slice(2);
const resource = `${server}/mcp`;
/** Nothing here takes long; a request that does has failed. */
const LIMIT_MS = 10_000;

let number = 0;
let checks = 0;
const step = (title, why) => heading(++number, title, why);

class Surprise extends Error {}

/** The first thing that is not as it should be ends the walk. */
function expect(holds, what) {
  if (!holds) throw new Surprise(what);
  checks += 1;
}

async function send(url, init = {}) {
  const signal = AbortSignal.timeout(LIMIT_MS);
  const response = await fetch(url, { ...init, signal });
  return { status: response.status, headers: response.headers, text: await response.text() };
}

/** Sends and shows, and expects a status. */
async function show(line, status, url, init) {
  request(line);
  const got = await send(url, init);
  answer(got);
  expect(got.status === status, `the status is ${got.status} and not ${status}`);
  return got;
}

function toolCall(tool, args, token) {
  const body = {
    jsonrpc: "2.0",
    id: 1,
    method: "tools/call",
    params: {
      name: tool,
      arguments: args,
      _meta: {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": { name: "tollgate-demo", version: "0.1.0" },
        "io.modelcontextprotocol/clientCapabilities": {},
      },
    },
  };
  const headers = {
    "content-type": "application/json",
    accept: "application/json, text/event-stream",
    "mcp-protocol-version": "2026-07-28",
    "mcp-method": "tools/call",
    "mcp-name": tool,
  };
  if (token) headers.authorization = `Bearer ${token}`;
  return { method: "POST", headers, body: JSON.stringify(body) };
}

/** Calls a tool; the line leaves out what every such request carries. */
async function call(tool, args, token, status) {
  const shown = token ? ` -H 'Authorization: Bearer ${short(token, 12)}'` : "";
  const line = `curl ${resource}${shown} -d '{"method":"tools/call", "name":"${tool}" …}'`;
  return show(line, status, resource, toolCall(tool, args, token));
}

async function token(scope) {
  const credentials = "-u demo:demo-secret -d grant_type=client_credentials";
  request(`curl ${issuer}/token ${credentials} \\\n  -d scope='${scope}' -d resource=${resource}`);
  const got = await send(`${issuer}/token`, {
    method: "POST",
    headers: { authorization: `Basic ${btoa("demo:demo-secret")}` },
    body: new URLSearchParams({ grant_type: "client_credentials", scope, resource }),
  });
  answer(got);
  expect(got.status === 200, `the issuer gives no token: ${got.status}`);
  return JSON.parse(got.text).access_token;
}

async function admin(command, body) {
  request(`curl ${issuer}/admin/${command} -d '${JSON.stringify(body)}'`);
  const got = await send(`${issuer}/admin/${command}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  answer(got);
  expect(got.status === 200, `the issuer refuses the command: ${got.status}`);
}

async function fetches() {
  const { discovery, jwks } = JSON.parse((await send(`${issuer}/admin/stats`)).text);
  return { discovery, jwks };
}

const challenge = (got) => got.headers.get("www-authenticate") ?? "";

/** The token with another `scope` in it, and the old signature. */
function withScope(token, scope) {
  const [header, payload, signature] = token.split(".");
  const claims = JSON.parse(Buffer.from(payload, "base64url").toString());
  const forged = Buffer.from(JSON.stringify({ ...claims, scope })).toString("base64url");
  return [header, forged, signature].join(".");
}

async function walk() {
  step("No token", "The server refuses, and the challenge tells a client where to learn how to do better.");
  const refused = await call("whoami", {}, undefined, 401);
  const found = /resource_metadata="([^"]+)"/.exec(challenge(refused));
  expect(found !== null, "the challenge names no resource_metadata");
  expect(!challenge(refused).includes("error="), "there is an error although no credentials came");

  step("The resource's metadata", "A client follows the challenge (RFC 9728) and finds who issues tokens for this server.");
  const metadata = await show(`curl ${found[1]}`, 200, found[1]);
  const document = JSON.parse(metadata.text);
  expect(document.resource === resource, `the resource is ${document.resource}`);
  expect(document.authorization_servers?.[0] === issuer, "it names another issuer");

  step("The issuer's metadata", "The issuer (RFC 8414) says where its token endpoint and its keys are.");
  const wellKnown = `${issuer}/.well-known/oauth-authorization-server`;
  const about = await show(`curl ${wellKnown}`, 200, wellKnown);
  expect(JSON.parse(about.text).issuer === issuer, "it calls itself by another name");

  step("A token", "The client asks for a token that is good for this resource only (RFC 8707), with one scope.");
  const reading = await token("mcp:read");

  step("A tool call", "The component fetches the issuer's keys once, checks the token, and the tool knows who calls.");
  const called = await call("whoami", {}, reading, 200);
  expect(called.text.includes('"subject":"demo"'), "the tool does not know who calls");
  const first = await fetches();
  expect(first.jwks === 1, `the keys were fetched ${first.jwks} times and not once`);

  step("A scope is missing", "403 and not 401: the token is good, but not for this. The challenge names all scopes that this tool needs.");
  const missing = await call("add_note", { text: "hello" }, reading, 403);
  expect(challenge(missing).includes('error="insufficient_scope"'), "the challenge gives another error");
  expect(challenge(missing).includes('scope="mcp:read mcp:write"'), "the challenge does not name the scopes");

  step("With the scope", "The client asks for what the challenge named, and repeats the call.");
  const writing = await token("mcp:read mcp:write");
  const added = await call("add_note", { text: "hello" }, writing, 200);
  expect(added.text.includes('"text":"hello"'), "the note was not added");

  step("Key rotation", "The issuer signs with a new key. The server meets a key that it does not know, and fetches the keys once more; nothing is restarted.");
  await admin("rotate", {});
  const rotated = await token("mcp:read");
  await call("whoami", {}, rotated, 200);
  const second = await fetches();
  expect(second.jwks === first.jwks + 1, `the keys were fetched ${second.jwks} times and not twice`);

  step("A tampered token", "I write myself the scope mcp:admin into the token that I have. The signature no longer holds.");
  const tampered = await call("whoami", {}, withScope(reading, "mcp:read mcp:admin"), 401);
  expect(challenge(tampered).includes('error="invalid_token"'), "the challenge gives another error");

  step("The issuer is down", "Its keys and metadata cannot be fetched, and those that the server has become stale. It goes on with them. (To keep this short, keys are fresh for 3 seconds here, and not for a minute or more.)");
  await admin("outage", { mode: "down", endpoints: ["discovery", "jwks"] });
  const calls = await callUntilRefreshFails(rotated);
  remark(`${calls} calls since, all answered with 200; meanwhile the server asked for new keys, in vain.`);
  await call("whoami", {}, rotated, 200);

  step("A key that nobody can check", "The issuer has rotated again, and the new key cannot be fetched. “I cannot check” is not “your token is bad”: 503, and when to come back.");
  await admin("rotate", {});
  const unchecked = await token("mcp:read");
  const later = await call("whoami", {}, unchecked, 503);
  const seconds = Number(later.headers.get("retry-after"));
  expect(seconds > 0 && seconds < 120, "Retry-After does not say when to come back");

  step("The issuer is back", "The client comes back when it was told to. The same token is good now.");
  await admin("outage", { mode: "off" });
  remark(`waiting ${seconds} s, as Retry-After says`);
  await sleep(seconds * 1000 + 200);
  await call("whoami", {}, unchecked, 200);
}

/** Calls until the server has tried to fetch keys that it cannot get. */
async function callUntilRefreshFails(token) {
  const before = await fetches();
  for (let calls = 1; calls <= 60; calls += 1) {
    const got = await send(resource, toolCall("whoami", {}, token));
    if (got.status !== 200) answer(got);
    expect(got.status === 200, `a call while the issuer is down is answered with ${got.status}`);
    const now = await fetches();
    if (now.jwks + now.discovery > before.jwks + before.discovery) return calls;
    await sleep(250);
  }
  throw new Surprise("the keys never became stale");
}

try {
  await walk();
  console.log(`\n${number} steps, every answer as expected.`);
  console.log(`${checks} passed, 0 failed`);
} catch (error) {
  surprise(error instanceof Surprise ? error.message : `${error.message} ${error.cause?.message ?? ""}`);
  console.log(`${checks} passed, 1 failed`);
  process.exitCode = 1;
}
