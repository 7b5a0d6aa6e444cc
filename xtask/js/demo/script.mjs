// The parts of the demo's walks: numbered steps, requests that are shown as commands, and
// expectations.
import { appendFileSync } from 'node:fs';
import { answer, heading, request, short, surprise } from './show.mjs';

/** The timeout of a request. Nothing here takes longer. */
const LIMIT_MS = 10_000;

let number = 0;
let checks = 0;

class Surprise extends Error {}

export const step = (title, why) => heading(++number, title, why);

/** The first failed expectation ends the walk. */
export function expect(holds, what) {
  if (!holds) throw new Surprise(what);
  checks += 1;
}

/**
 * Runs walks one after the other. The process ends with status 1 at the first failed expectation.
 */
export async function run(...walks) {
  try {
    for (const walk of walks) await walk();
    console.log(`\n${number} steps, every answer as expected.`);
    report(0);
  } catch (error) {
    surprise(error instanceof Surprise ? error.message : `${error.message} ${error.cause?.message ?? ''}`);
    report(1);
    process.exitCode = 1;
  }
}

/** How many expectations were fulfilled, for people and for the parent process. */
function report(failed) {
  console.log(`${checks} passed, ${failed} failed`);
  const file = process.env.TOLLGATE_COUNTS;
  if (file) appendFileSync(file, `${JSON.stringify({ passed: checks, failed })}\n`);
}

export async function send(url, init = {}) {
  const signal = AbortSignal.timeout(LIMIT_MS);
  const response = await fetch(url, { ...init, signal });
  return { status: response.status, headers: response.headers, text: await response.text() };
}

/** Sends and shows, and expects a status. */
export async function show(line, status, url, init) {
  request(line);
  const got = await send(url, init);
  answer(got);
  expect(got.status === status, `the status is ${got.status} and not ${status}`);
  return got;
}

/** A call of a tool of the MCP server at `resource`. */
export function toolCall(tool, args, token) {
  const body = {
    jsonrpc: '2.0',
    id: 1,
    method: 'tools/call',
    params: {
      name: tool,
      arguments: args,
      _meta: {
        'io.modelcontextprotocol/protocolVersion': '2026-07-28',
        'io.modelcontextprotocol/clientInfo': { name: 'tollgate-demo', version: '0.1.0' },
        'io.modelcontextprotocol/clientCapabilities': {},
      },
    },
  };
  const headers = {
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    'mcp-protocol-version': '2026-07-28',
    'mcp-method': 'tools/call',
    'mcp-name': tool,
  };
  if (token) headers.authorization = `Bearer ${token}`;
  return { method: 'POST', headers, body: JSON.stringify(body) };
}

/** A token in a command: its beginning. */
export const bearer = (token) => (token ? ` -H 'Authorization: Bearer ${short(token, 12)}'` : '');

/** Calls a tool; the line leaves out what every such request carries. */
export async function call(resource, tool, args, token, status) {
  const line = `curl ${resource}${bearer(token)} -d '{"method":"tools/call", "name":"${tool}" …}'`;
  return show(line, status, resource, toolCall(tool, args, token));
}

/** Asks the issuer for a token for a resource. */
export async function askForToken(issuer, parameters) {
  const shown = Object.entries(parameters).map(
    ([name, value]) => ` -d ${name}=${/ /.test(value) ? `'${value}'` : value}`,
  );
  request(`curl ${issuer}/token -u demo:demo-secret -d grant_type=client_credentials \\\n ${shown.join('')}`);
  const got = await send(`${issuer}/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${btoa('demo:demo-secret')}` },
    body: new URLSearchParams({ grant_type: 'client_credentials', ...parameters }),
  });
  answer(got);
  expect(got.status === 200, `the issuer gives no token: ${got.status}`);
  return JSON.parse(got.text).access_token;
}

/** An admin command to the issuer or the API. */
export async function admin(server, command, body) {
  request(`curl ${server}/admin/${command} -d '${JSON.stringify(body)}'`);
  const got = await send(`${server}/admin/${command}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  answer(got);
  expect(got.status === 200, `the command is refused: ${got.status}`);
}

/** What a server has counted. */
export async function stats(server) {
  return JSON.parse((await send(`${server}/admin/stats`)).text);
}
