import assert from 'node:assert/strict';

/** The one challenge of a response: its scheme and parameters, quoted strings unquoted. */
export function challengeOf(response) {
  const header = response.headers.get('www-authenticate');
  assert.ok(header, `a response with status ${response.status} has no WWW-Authenticate`);
  const [scheme, rest = ''] = header.split(/ (.*)/s);
  const parameters = {};
  for (const [, name, value] of rest.matchAll(/([\w-]+)="((?:[^"\\]|\\.)*)"/g)) {
    assert.ok(!(name in parameters), `${name} stands twice in ${header}`);
    parameters[name] = value.replace(/\\(.)/g, '$1');
  }
  return { scheme, parameters };
}
