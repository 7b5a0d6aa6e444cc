import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { SHIPPED, workspacePackage } from '../build/package.mjs';
import { consumer, packagePath, tools } from './support/package.mjs';

const run = promisify(execFile);

test('the package installs by its path and runs', async (t) => {
  const root = await mkdtemp(path.join(tmpdir(), 'tollgate-install-'));
  t.after(() => rm(root, { recursive: true, force: true }));
  await writeFile(path.join(root, 'package.json'), '{"private":true,"type":"module"}');
  await run('npm', ['install', '--offline', '--no-audit', '--no-fund', '--install-links', packagePath], { cwd: root });
  const { stdout } = await run(
    process.execPath,
    [
      '--input-type=module',
      '-e',
      `
    import { createGate } from 'tollgate';
    const gate = createGate({ issuer: 'https://issuer.example', audience: 'a' });
    console.log((await gate.authenticate(new Request('https://x.example/'))).response.status);
  `,
    ],
    { cwd: root },
  );
  assert.equal(stdout.trim(), '401');
});

test('it has no dependency, and uses Node only in its own entries', async () => {
  const manifest = JSON.parse(await readFile(path.join(packagePath, 'package.json'), 'utf8'));
  assert.equal(manifest.dependencies, undefined);
  assert.equal(manifest.private, undefined);
  assert.equal(manifest.scripts, undefined);
  assert.equal(Object.keys(manifest.exports['.'])[0], 'types');
  for (const name of await readdir(packagePath)) {
    if (
      !name.endsWith('.js') ||
      ['node.js', 'node-http.js', 'signatures-node.js', 'verifier-node.js', 'issuer-node.js'].includes(name)
    )
      continue;
    const text = await readFile(path.join(packagePath, name), 'utf8');
    assert.ok(!/\bnode:|[^.\w]require\(['"`]|\bprocess\.|[^y]Buffer\b/.test(text), name);
  }
});

test('npm packs what a user needs, and nothing else', async () => {
  const { stdout } = await run('npm', ['pack', '--dry-run', '--json', '--offline'], { cwd: packagePath });
  const listed = JSON.parse(stdout)[0].files.map(({ path: name }) => name);
  const scripts = ['bare', 'durable-object', 'keycard/index', 'node', 'node-http', 'shim', 'worker']
    .concat('signatures', 'signatures-node', 'signatures-worker')
    .concat('verifier-node', 'verifier-shim', 'verifier-worker')
    .concat('issuer-node', 'issuer-shim', 'issuer-worker', 'oauth-provider', 'store')
    .flatMap((name) => [`${name}.js`, `${name}.js.map`]);
  const modules = ['gate', 'issuer', 'signatures', 'verifier'].flatMap((name) =>
    ['core', 'core2', 'core3'].map((part) => `tollgate-${name}.${part}.wasm`),
  );
  const texts = ['LICENSE-APACHE', 'LICENSE-MIT', 'README.md', 'package.json'];
  const declarations = listed.filter((name) => name.endsWith('.d.ts'));
  assert.deepEqual(listed.sort(), [...scripts, ...modules, ...texts, ...declarations].sort());
  assert.deepEqual(declarations.sort(), [...(await reachable())].sort());
});

/** The declarations that the entries have, and those that these mention. */
async function reachable() {
  const { exports } = JSON.parse(await readFile(path.join(packagePath, 'package.json'), 'utf8'));
  const open = Object.values(exports).flatMap(({ types }) => types ?? []);
  const found = new Set();
  for (const name of open) {
    const relative = path.posix.normalize(name);
    if (found.has(relative)) continue;
    found.add(relative);
    const text = await readFile(path.join(packagePath, relative), 'utf8');
    for (const [, other] of text.matchAll(/\bfrom ['"](\..+?)\.js['"]/g)) {
      open.push(path.posix.join(path.posix.dirname(relative), `${other}.d.ts`));
    }
  }
  return found;
}

test('a Worker with storage compiles with the types of Workers, and mistakes do not', async (t) => {
  const root = await consumer(t, {
    'tsconfig.json': JSON.stringify({
      compilerOptions: {
        strict: true,
        noEmit: true,
        module: 'nodenext',
        moduleResolution: 'nodenext',
        exactOptionalPropertyTypes: true,
        skipLibCheck: false,
        typeRoots: [path.join(tools, '@types'), tools],
        types: ['@cloudflare/workers-types'],
        lib: ['es2022'],
      },
      files: ['main.ts'],
    }),
    'main.ts': `
      import { StoreError, TollgateStore, durableObjectStore, type Store } from 'tollgate/durable-object';

      interface Env { STORE: DurableObjectNamespace<TollgateStore> }

      export { TollgateStore };
      export default {
        async fetch(request, env) {
          const store: Store = durableObjectStore(env.STORE, { locationHint: 'weur' });
          // @ts-expect-error there is no such option
          durableObjectStore(env.STORE, { timeout: 1 });
          try {
            const [record] = await store.read('p', ['k'], 1);
            const version = record?.version ?? null;
            const put = { key: 'k', version: 'v', value: new Uint8Array(), expiresAt: 5 };
            const result = await store.commit('p', { conditions: [{ key: 'k', version }], puts: [put] }, 1);
            // @ts-expect-error there is no such result
            if (result === 'lost') throw new Error();
            const { records, more } = await store.list('p', 'k', undefined, 10, 1);
            return Response.json({ result, count: records.length, more, url: request.url });
          } catch (error) {
            if (error instanceof StoreError && error.kind === 'unavailable') return new Response(null, { status: 503 });
            throw error;
          }
        },
      } satisfies ExportedHandler<Env>;
    `,
  });
  await run(process.execPath, [path.join(tools, 'typescript/bin/tsc'), '--project', root]).catch((error) =>
    assert.fail(error.stdout),
  );
});

test('every script has a source map with the text of its sources', async () => {
  for (const name of await readdir(packagePath, { recursive: true })) {
    if (!name.endsWith('.js')) continue;
    const script = await readFile(path.join(packagePath, name), 'utf8');
    assert.match(script, new RegExp(`^//# sourceMappingURL=${path.basename(name)}\\.map$`, 'm'));
    const map = JSON.parse(await readFile(path.join(packagePath, `${name}.map`), 'utf8'));
    assert.ok(map.sources.length > 0, name);
    for (const [at, source] of map.sources.entries()) {
      const place = path.posix.join(path.posix.dirname(name), source);
      if (/^glue\/tollgate-(gate|issuer|signatures|verifier)\.js$/.test(place)) {
        assert.ok(map.sourcesContent[at].length > 0, place);
        continue;
      }
      assert.match(place, /^src\/[\w/-]+\.ts$/);
      const text = await readFile(path.join(import.meta.dirname, '..', place), 'utf8');
      assert.equal(map.sourcesContent[at], text, place);
    }
  }
});

test('with source maps, a stack names the sources', async (t) => {
  const root = await consumer(t, {
    'main.mjs': "import { createGate } from 'tollgate'; createGate({ isuer: 'a' });",
  });
  const failed = await run(process.execPath, ['--enable-source-maps', 'main.mjs'], { cwd: root }).then(
    () => assert.fail('a misspelled option is an error'),
    ({ stderr }) => stderr,
  );
  assert.match(failed, /\/src\/options\.ts:\d+:\d+/);
});

test('its version and its repository are those of the Cargo workspace', async () => {
  const manifest = JSON.parse(await readFile(path.join(packagePath, 'package.json'), 'utf8'));
  const { version, repository } = await workspacePackage(path.join(import.meta.dirname, '../../..'));
  assert.equal(manifest.version, version);
  assert.deepEqual(manifest.repository, {
    type: 'git',
    url: `git+${repository}.git`,
    directory: 'host-worker/js',
  });
});

// Measured: 169 KB (147 of core modules, 22 of scripts), 115 KB (99 and 16), and 280 KB (260 and 19). The rest is for
// what other versions of the compiler and of jco do. A Worker on Cloudflare's free plan may have
// 3 MB; but each isolate loads and compiles these before its first answer, so growth has to be a
// decision.
for (const [entry, most] of [
  ['tollgate', 173_000],
  ['tollgate/verifier', 118_000],
  ['tollgate/issuer', 286_000],
]) {
  test(`what a Worker with \`${entry}\` ships is at most ${most / 1000} KB, gzipped`, async () => {
    let size = 0;
    for (const name of SHIPPED[entry])
      size += gzipSync(await readFile(path.join(packagePath, name)), { level: 9 }).length;
    assert.ok(size <= most, `${size} bytes`);
  });
}

/** The types that the applications of the next tests are compiled with. */
const TYPES = Object.entries({
  'the types of Workers': { types: ['@cloudflare/workers-types'], lib: ['es2022'] },
  'the types of Node': { types: ['node'], lib: ['es2022'] },
  'the types of browsers': { types: [], lib: ['es2022', 'dom'] },
});

/** Compiles an application that uses the package. */
async function compiles(t, compilerOptions, source) {
  const root = await consumer(t, {
    'tsconfig.json': JSON.stringify({
      compilerOptions: {
        strict: true,
        noEmit: true,
        module: 'nodenext',
        moduleResolution: 'nodenext',
        exactOptionalPropertyTypes: true,
        skipLibCheck: false,
        typeRoots: [path.join(tools, '@types'), tools],
        ...compilerOptions,
      },
      files: ['main.ts'],
    }),
    'main.ts': source,
  });
  await run(process.execPath, [path.join(tools, 'typescript/bin/tsc'), '--project', root]).catch((error) =>
    assert.fail(error.stdout),
  );
}

for (const [name, compilerOptions] of TYPES) {
  test(`a consumer with ${name} compiles, and mistakes do not`, async (t) => {
    const workers = name.endsWith('Workers');
    const source = `
        import { createGate, ConfigError, TokenError, type Gate, type Identity, type Claims, type Token, type Actor } from 'tollgate';
        import { setModules, createGate as bareGate } from 'tollgate/bare';
        import { createGate as verifierGate, ConfigError as VerifierError, type Gate as Verifier, type GateOptions as VerifierOptions } from 'tollgate/verifier';

        interface Env { NAME: string }

        const gate: Gate = createGate({
          issuers: [{ issuer: 'https://issuer.example', audiences: ['a'], keys: { inline: { keys: [] } } }],
          routes: [{ path: '/health', public: true }, { path: '/mcp', methods: ['POST'], scopes: ['mcp:tools'] }],
          scopeHierarchy: { a: ['b'] },
          client: { id: 'app', keys: ['pem', { key: { kty: 'EC' }, kid: 'k' }], authentication: 'private_key_jwt', cache: { maxEntries: 1 } },
          onRefusal: ({ reason, request }) => { const text: string = reason + request?.url; void text; },
        });
        // @ts-expect-error a list is expected
        createGate({ scopes: 'a' });
        // @ts-expect-error in the spelling of OAuth
        createGate({ client: { authentication: 'private-key-jwt' } });
        // @ts-expect-error there is no such option
        createGate({ isuer: 'a' });

        const worker = gate.protect<Env>(async (request, env, ctx, auth) => {
          const name: string = env.NAME;
          ctx.waitUntil(Promise.resolve());
          // @ts-expect-error auth is null on public routes
          auth.subject;
          if (auth === null) return new Response(name);
          const identity: Identity = auth;
          const claims: Claims = identity.claims;
          // @ts-expect-error frozen
          identity.subject = 'x';
          // @ts-expect-error frozen
          claims.sub = 'x';
          const actors: readonly Actor[] = auth.actors;
          try {
            const token: Token = await gate.exchange(auth, ['https://api.example.com'], { scopes: ['a'], audience: 'b' });
            const text: string = token.accessToken + token.expiresAt?.toISOString() + actors.length;
            // @ts-expect-error frozen
            token.accessToken = text;
            if (request.url === text) return await gate.fetchAs(auth, 'https://api.example.com', request, { method: 'PUT' }, { fetch: async (again: Request) => new Response(again.url) });
            // @ts-expect-error no identity
            await gate.exchange({ subject: 'ada' }, 'https://api.example.com');
          } catch (error) {
            if (error instanceof TokenError && error.kind === 'refused') return error.toResponse();
            // @ts-expect-error there is no such kind
            if (error instanceof TokenError && error.kind === 'unknown') throw error;
          }
          const refused: Response | null = auth.require('mcp:admin');
          return refused ?? new Response(auth.subject ?? request.url);
        });
        export default worker${workers ? ' satisfies ExportedHandler<Env>' : ''};
        ${workers ? 'export const typed = { fetch: gate.protect(async (request: Request, env: Env, ctx: ExecutionContext) => new Response(request.url + env.NAME + typeof ctx)).fetch } satisfies ExportedHandler<Env>;' : ''}

        export async function other(request: Request, env: Env) {
          const result = await gate.authenticate(request, env);
          // @ts-expect-error not known to be ok
          result.auth;
          if (!result.ok) return result.response;
          const verified = await gate.verify('token', env, undefined, { scopes: ['a'] });
          const metadata: Response | null = await gate.metadata(request, env);
          if (metadata) return metadata;
          gate.check(env);
          const own: Token = await gate.ownToken({ resource: 'https://api.example.com' }, env);
          await gate.tokenRequest({ type: 'refresh-token', refreshToken: own.refreshToken ?? '' }, {}, { clientAssertion: await gate.clientAssertion('a', env) }, env);
          const gone: number = gate.invalidate({ subject: 'ada' }, env);
          void gone;
          const count: number = gate.importKeys(gate.exportKeys(env), env);
          return Response.json({ subject: result.auth.subject, verified: verified.ok, count, error: ConfigError.name });
        }
        setModules; bareGate;

        const options: VerifierOptions = { issuer: 'https://issuer.example', routes: [{ path: '/health', public: true }] };
        const verifier: Verifier = verifierGate(options);
        // A gate with a client does all that one without does.
        export const either: Verifier = createGate({ ...options, client: { id: 'app' } });
        // @ts-expect-error it has no client
        verifierGate({ client: { id: 'app' } });
        // @ts-expect-error it has no client
        verifier.fetchAs;
        // @ts-expect-error it has no client
        const whole: Gate = verifier;
        export const verifying = verifier.protect<Env>((request, env, ctx, auth) => new Response(auth?.subject ?? env.NAME + VerifierError.name))${workers ? ' satisfies ExportedHandler<Env>' : ''};
      `;
    await compiles(t, compilerOptions, source);
  });
}

for (const [name, compilerOptions] of TYPES) {
  test(`an application with an issuer and ${name} compiles, and mistakes do not`, async (t) => {
    const workers = name.endsWith('Workers');
    const source = `
        import { createIssuer, memoryStore, ConfigError, IssuerError, StoreError, TokenRefused, TokenUnavailable } from 'tollgate/issuer';
        import type { AuditEvent, AuthorizationRequest, GrantPage, Issuer, IssuerOptions, Store, TokenInfo, TokenQuestion } from 'tollgate/issuer';
        import Provider, { AuthorizationError, ExternalTokenError, GrantType, OAuthAuthorizationServer, OAuthError, OAuthProvider, OAuthResourceServer, getOAuthApi, insufficientScope, authorizationErrorRedirect } from 'tollgate/oauth-provider';
        import type { AuthRequest, ClientInfo, OAuthHelpers, OAuthProviderOptions } from 'tollgate/oauth-provider';

        const store: Store = memoryStore();
        const options: IssuerOptions = {
          issuer: 'https://auth.example',
          secrets: ['s'],
          store,
          clients: [{ id: 'a', redirectUris: ['https://app.example'], grantTypes: ['authorization_code'], authentication: 'none' }],
          signIn: { providers: [{ id: 'okta', issuer: 'https://okta.example', clientId: 'c', rules: [{ claim: 'hd', values: ['a'] }] }] },
          async onToken(question: TokenQuestion) {
            if (question.grantType === 'client_credentials') throw new TokenRefused();
            // @ts-expect-error in the spelling of OAuth
            if (question.grantType === 'refresh-token') throw new TokenUnavailable('later');
            return { scopes: ['a'], grantProps: { any: ['thing'] } };
          },
          onAudit: ({ kind, at }: AuditEvent) => { const text: string = kind + at; void text; },
        };
        // @ts-expect-error there is no such option
        createIssuer({ ...options, isuer: 'a' });
        // @ts-expect-error without a store
        createIssuer({ issuer: 'a', secrets: [] });
        const issuer: Issuer = createIssuer(options);

        export async function serve(request: Request, ctx: { waitUntil(promise: Promise<unknown>): void }): Promise<Response> {
          try {
            const answer: Response | undefined = await issuer.fetch(request, ctx);
            if (answer) return answer;
            const asked: AuthorizationRequest = await issuer.parseAuthRequest(request);
            const url: string = await issuer.completeAuthorization(asked, { userId: 'u', scopes: asked.scopes, props: { a: 1 } });
            const info: TokenInfo | null = await issuer.checkToken('t', 'r');
            const page: GrantPage = await issuer.listUserGrants('u');
            // @ts-expect-error no user
            await issuer.completeAuthorization(asked, { scopes: [] });
            return Response.redirect(url + page.cursor + info?.props.name + issuer.handles(request.url), 303);
          } catch (error) {
            if (error instanceof IssuerError) return error.toResponse();
            if (error instanceof StoreError || error instanceof ConfigError) return new Response(error.message);
            throw error;
          }
        }

        interface Env { OAUTH_PROVIDER: OAuthHelpers; NAME: string }
        const providerOptions: OAuthProviderOptions<Env> = {
          apiRoute: ['/api/'],
          apiHandler: { fetch: (request: Request, env: Env, ctx: any) => insufficientScope(ctx.auth, ['a']) },
          defaultHandler: {
            async fetch(request: Request, env: Env) {
              const asked: AuthRequest = await env.OAUTH_PROVIDER.parseAuthRequest(request);
              const client: ClientInfo | null = await env.OAUTH_PROVIDER.lookupClient(asked.clientId);
              const { redirectTo } = await env.OAUTH_PROVIDER.completeAuthorization({ request: asked, userId: client?.clientName ?? '', metadata: {}, scope: [], props: {} });
              return Response.redirect(redirectTo, 302);
            },
          },
          authorizeEndpoint: '/authorize',
          tokenEndpoint: '/token',
          tokenExchangeCallback: ({ grantType, env }) => {
            if (grantType === GrantType.AUTHORIZATION_CODE) return { newProps: env.NAME };
            throw new OAuthError('invalid_grant', { description: 'no' });
          },
          resolveExternalToken: async () => { throw new ExternalTokenError('invalid_token', { description: 'no', statusCode: 401 }); },
        };
        // @ts-expect-error there is no such option
        new OAuthProvider({ ...providerOptions, tokenEndpont: '' });
        const provider = new Provider<Env>(providerOptions);
        const server = new OAuthAuthorizationServer<Env>({ issuer: 'https://auth.example', resources: ['https://a.example'] });
        // @ts-expect-error without resources
        new OAuthAuthorizationServer({ issuer: 'https://auth.example' });
        export const resource = new OAuthResourceServer<Env>({
          resourceMetadata: { resource: 'https://a.example', authorization_servers: ['https://auth.example'] },
          handler: { fetch: (request: Request, env: Env) => new Response(request.url + env.NAME) },
          validateToken: (env) => (resource, token) => server.validateToken(resource, token, env),
        });
        export const helpers = (env: Env): OAuthHelpers => getOAuthApi(providerOptions, env);
        export const errors = [AuthorizationError, authorizationErrorRedirect];
        export default provider${workers ? ' satisfies ExportedHandler<Env>' : ''};
        ${
          workers
            ? `
        import { WorkerEntrypoint } from 'cloudflare:workers';
        class Api extends WorkerEntrypoint<Env, { name: string }> {
          override fetch(request: Request) { return new Response(this.ctx.props.name + this.env.NAME + request.url); }
        }
        const page: ExportedHandler<Env> = { fetch: (request, env, ctx) => new Response(request.url + env.NAME + typeof ctx) };
        export const ofWorkers = new OAuthProvider<Env>({ ...providerOptions, apiHandler: Api, defaultHandler: page });`
            : ''
        }
      `;
    await compiles(t, compilerOptions, source);
  });
}
