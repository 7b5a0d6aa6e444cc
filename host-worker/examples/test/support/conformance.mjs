// The MCP project's own conformance tool against the MCP server example.
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const workspace = path.resolve(import.meta.dirname, '../../../..');
const tool = path.join(workspace, 'node_modules/@modelcontextprotocol/conformance/dist/index.js');
const baselineFile = path.resolve(import.meta.dirname, '../../mcp-server/conformance-baseline.json');
/** Needs no fixture of the suite, so it is judged in every scenario. */
const WIRE_SCHEMA = 'wire-schema-valid';
const FAILED = new Set(['FAILURE', 'ERROR']);

/**
 * Runs all server scenarios of a revision's requirements and judges them by the baseline.
 * @param {URL} url an MCP endpoint that lets the tool in without a token
 * @returns {Promise<{ scenario: string, applies: boolean, passed: number, problems: string[], reason?: string }[]>}
 *   a scenario without problems is as it should be
 */
export async function conformance(url, revision) {
  const rules = JSON.parse(await readFile(baselineFile, 'utf8')).revisions[revision];
  const results = await mkdtemp(path.join(tmpdir(), 'tollgate-mcp-conformance-'));
  try {
    // It exits with 1 where any scenario fails, those that do not apply among them.
    await run(
      process.execPath,
      [tool, 'server', '--url', `${url}`, '--requirements', revision, '--output-dir', results],
      {
        maxBuffer: 64 * 1024 * 1024,
      },
    ).catch((error) => {
      if (error.code !== 1) throw error;
    });
    const judged = new Map();
    for (const folder of await readdir(results)) {
      const scenario = /^server-(.+)-\d{4}-\d\d-\d\dT/.exec(folder)[1];
      const checks = JSON.parse(await readFile(path.join(results, folder, 'checks.json'), 'utf8'));
      judged.set(scenario, judge(scenario, checks, rules));
    }
    for (const scenario of [...rules.applies, ...rules.doesNotApply.flatMap(({ scenarios }) => scenarios)]) {
      if (!judged.has(scenario))
        judged.set(scenario, { scenario, applies: true, passed: 0, problems: ['is in the baseline but was not run'] });
    }
    return [...judged.values()].toSorted((a, b) => (a.scenario < b.scenario ? -1 : 1));
  } finally {
    await rm(results, { recursive: true, force: true });
  }
}

function judge(scenario, checks, { applies, untestable, doesNotApply }) {
  const passed = checks.filter(({ status }) => status === 'SUCCESS').length;
  const failed = checks.filter(({ status }) => FAILED.has(status));
  const exempt = doesNotApply.find(({ scenarios }) => scenarios.includes(scenario));
  if (exempt !== undefined) {
    const problems = failed.filter(({ id }) => id === WIRE_SCHEMA).map(sentence);
    return { scenario, applies: false, passed, problems, reason: exempt.reason };
  }
  if (!applies.includes(scenario)) {
    return { scenario, applies: true, passed, problems: ['is not in the baseline: say there whether it applies'] };
  }
  const excused = new Set(
    untestable
      .flatMap((entry) => entry.checks)
      .filter((check) => check.startsWith(`${scenario}:`))
      .map((check) => check.slice(scenario.length + 1)),
  );
  const problems = failed.filter(({ id }) => !excused.has(id)).map(sentence);
  for (const id of excused) {
    if (!failed.some((check) => check.id === id)) problems.push(`${id} passes now: take it out of the baseline`);
  }
  if (passed === 0) problems.push('passed no check at all');
  return { scenario, applies: true, passed, problems };
}

function sentence({ id, errorMessage }) {
  return `${id}: ${errorMessage ?? 'failed'}`;
}

/** The revisions that the baseline speaks of, newest first. */
export async function revisions() {
  return Object.keys(JSON.parse(await readFile(baselineFile, 'utf8')).revisions)
    .toSorted()
    .reverse();
}
