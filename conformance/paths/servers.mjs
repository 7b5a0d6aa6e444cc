// The servers of a Linux distribution, and workerd, each with a configuration that is common:
// `/pub` is public, `/admin` is not.
import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { build } from 'esbuild';
import { ADMIN, PUBLIC } from './markers.mjs';

const MODULES = '/usr/lib/apache2/modules';
const TOMCAT = '/usr/share/tomcat10';

/** Ports that are free now. */
export async function freePorts(count) {
  const servers = await Promise.all(
    Array.from(
      { length: count },
      () =>
        new Promise((resolve) => {
          const server = net.createServer().listen(0, '127.0.0.1', () => resolve(server));
        }),
    ),
  );
  const ports = servers.map((server) => server.address().port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

/** Runs a program to the end of the test, and waits until it listens. */
async function run(t, port, command, args, options) {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'], ...options });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (data) => {
      output += data;
    });
  t.after(
    () =>
      new Promise((resolve) => {
        if (child.exitCode !== null) return resolve();
        child.on('exit', resolve).kill('SIGTERM');
      }),
  );
  for (let left = 300; left > 0; left -= 1) {
    if (child.exitCode !== null) break;
    if (await listens(port)) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`${command} does not listen: ${output}`);
}

function listens(port) {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1');
    socket
      .on('connect', () => resolve(true))
      .on('error', () => resolve(false))
      .on('close', () => socket.destroy());
    socket.on('connect', () => socket.destroy());
  });
}

/** nginx that answers itself, and nginx before another server with and without a path of its own. */
export async function nginx(t, folder, behind) {
  const [own, apart, raw, normalized] = await freePorts(4);
  const places = `location /pub { return 200 "${PUBLIC}"; } location /admin { return 200 "${ADMIN}"; }`;
  const config = `
    daemon off; master_process off; pid nginx.pid; error_log stderr;
    events {}
    http {
      access_log off; default_type text/plain;
      client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
      server { listen 127.0.0.1:${own}; ${places} }
      server { listen 127.0.0.1:${apart}; merge_slashes off; ${places} }
      server { listen 127.0.0.1:${raw}; location / { proxy_pass http://127.0.0.1:${behind}; } }
      server { listen 127.0.0.1:${normalized}; location / { proxy_pass http://127.0.0.1:${behind}/; } }
    }`;
  writeFileSync(path.join(folder, 'nginx.conf'), config);
  await run(t, own, 'nginx', ['-p', folder, '-c', path.join(folder, 'nginx.conf')]);
  return {
    nginx: own,
    'nginx, merge_slashes off': apart,
    'nginx before Tomcat, target as it stands': raw,
    'nginx before Tomcat, target rewritten': normalized,
  };
}

/** Apache httpd by its three ways with escaped slashes, and before another server. */
export async function apache(t, folder, behind) {
  const [off, on, kept, proxy] = await freePorts(4);
  for (const [name, text] of [
    ['admin', ADMIN],
    ['pub', PUBLIC],
  ])
    writeFileSync(path.join(folder, `${name}.txt`), text);
  const modules = ['mpm_event', 'authz_core', 'alias', 'proxy', 'proxy_http'];
  const host = (port, lines) => `Listen 127.0.0.1:${port}\n<VirtualHost 127.0.0.1:${port}>\n${lines}\n</VirtualHost>`;
  const places = `AliasMatch "^/admin(/.*)?$" "${folder}/admin.txt"\nAliasMatch "^/pub(/.*)?$" "${folder}/pub.txt"`;
  const config = `
    ServerRoot ${folder}
    ServerName localhost
    PidFile ${folder}/apache.pid
    DefaultRuntimeDir ${folder}
    ErrorLog ${folder}/apache.log
    ${modules.map((name) => `LoadModule ${name}_module ${MODULES}/mod_${name}.so`).join('\n')}
    ${process.getuid() === 0 ? 'User www-data\nGroup www-data' : ''}
    <Directory ${folder}>
      Require all granted
    </Directory>
    ${host(off, `${places}\nAllowEncodedSlashes Off`)}
    ${host(on, `${places}\nAllowEncodedSlashes On`)}
    ${host(kept, `${places}\nAllowEncodedSlashes NoDecode`)}
    ${host(proxy, `AllowEncodedSlashes NoDecode\nProxyPass "/" "http://127.0.0.1:${behind}/" nocanon`)}
  `.replace(/^ +/gm, '');
  writeFileSync(path.join(folder, 'apache.conf'), config);
  chmodSync(folder, 0o755);
  await run(t, off, 'apache2', ['-d', folder, '-f', path.join(folder, 'apache.conf'), '-DFOREGROUND']);
  return {
    'Apache httpd': off,
    'Apache httpd, AllowEncodedSlashes On': on,
    'Apache httpd, AllowEncodedSlashes NoDecode': kept,
    'Apache httpd before Tomcat, nocanon': proxy,
  };
}

/** Tomcat as it comes, and with everything allowed. */
export async function tomcat(t, folder) {
  const [strict, lenient] = await freePorts(2);
  const app = path.join(folder, 'webapps/ROOT');
  for (const name of [
    path.join(app, 'WEB-INF'),
    path.join(folder, 'conf'),
    path.join(folder, 'logs'),
    path.join(folder, 'temp'),
    path.join(folder, 'work'),
  ])
    mkdirSync(name, { recursive: true });
  const lenience =
    'encodedSolidusHandling="decode" encodedReverseSolidusHandling="decode" allowBackslash="true" relaxedPathChars="\\|{}[]^&lt;&gt;&quot;`"';
  writeFileSync(
    path.join(folder, 'conf/server.xml'),
    `<Server port="-1"><Service name="Catalina">
    <Connector port="${strict}" address="127.0.0.1" maxThreads="8"/>
    <Connector port="${lenient}" address="127.0.0.1" maxThreads="8" ${lenience}/>
    <Engine name="Catalina" defaultHost="localhost"><Host name="localhost" appBase="webapps"/></Engine>
  </Service></Server>`,
  );
  const places = { admin: ADMIN, pub: PUBLIC };
  writeFileSync(
    path.join(folder, 'conf/web.xml'),
    `<web-app xmlns="https://jakarta.ee/xml/ns/jakartaee" version="6.0">
    <servlet><servlet-name>default</servlet-name><servlet-class>org.apache.catalina.servlets.DefaultServlet</servlet-class></servlet>
    <servlet><servlet-name>jsp</servlet-name><servlet-class>org.apache.jasper.servlet.JspServlet</servlet-class></servlet>
    <servlet-mapping><servlet-name>default</servlet-name><url-pattern>/</url-pattern></servlet-mapping>
    <servlet-mapping><servlet-name>jsp</servlet-name><url-pattern>*.jsp</url-pattern></servlet-mapping>
  </web-app>`,
  );
  const servlets = Object.keys(places).map(
    (name) => `
    <servlet><servlet-name>${name}</servlet-name><jsp-file>/${name}.jsp</jsp-file></servlet>
    <servlet-mapping><servlet-name>${name}</servlet-name><url-pattern>/${name}/*</url-pattern></servlet-mapping>`,
  );
  writeFileSync(
    path.join(app, 'WEB-INF/web.xml'),
    `<web-app xmlns="https://jakarta.ee/xml/ns/jakartaee" version="6.0">${servlets.join('')}</web-app>`,
  );
  for (const [name, text] of Object.entries(places)) writeFileSync(path.join(app, `${name}.jsp`), text);
  const jars = [`${TOMCAT}/bin/bootstrap.jar`, `${TOMCAT}/bin/tomcat-juli.jar`].join(':');
  const properties = { 'catalina.home': TOMCAT, 'catalina.base': folder, 'java.io.tmpdir': path.join(folder, 'temp') };
  const options = Object.entries(properties).map(([name, value]) => `-D${name}=${value}`);
  await run(t, lenient, 'java', [
    ...options,
    '-XX:TieredStopAtLevel=1',
    '-cp',
    jars,
    'org.apache.catalina.startup.Bootstrap',
    'start',
  ]);
  return { Tomcat: strict, 'Tomcat, everything allowed': lenient };
}

/** workerd itself, without the layer that its development tools put before it. */
export async function workerd(t, folder, workspace) {
  const [plain, hono] = await freePorts(2);
  const below = '(place, path) => path === place || path.startsWith(place + "/")';
  writeFileSync(
    path.join(folder, 'plain.js'),
    `const below = ${below};
    export default { fetch(request) {
      const { pathname } = new URL(request.url);
      return new Response(below('/admin', pathname) ? '${ADMIN}' : below('/pub', pathname) ? '${PUBLIC}' : 'other');
    } };`,
  );
  await build({
    stdin: {
      contents: `import { Hono } from 'hono';
        const app = new Hono();
        for (const route of ['/admin', '/admin/*']) app.get(route, (c) => c.text('${ADMIN}'));
        for (const route of ['/pub', '/pub/*']) app.get(route, (c) => c.text('${PUBLIC}'));
        export default app;`,
      resolveDir: workspace,
    },
    bundle: true,
    format: 'esm',
    outfile: path.join(folder, 'hono.js'),
    logLevel: 'silent',
  });
  const worker = (name) =>
    `(name = "${name}", worker = (modules = [(name = "${name}.js", esModule = embed "${name}.js")], compatibilityDate = "2026-11-01"))`;
  const socket = (name, port) => `(name = "${name}", address = "127.0.0.1:${port}", http = (), service = "${name}")`;
  writeFileSync(
    path.join(folder, 'workerd.capnp'),
    `using Workerd = import "/workerd/workerd.capnp";
    const config :Workerd.Config = (services = [${worker('plain')}, ${worker('hono')}], sockets = [${socket('plain', plain)}, ${socket('hono', hono)}]);`,
  );
  await run(t, hono, path.join(workspace, 'node_modules/workerd/bin/workerd'), [
    'serve',
    path.join(folder, 'workerd.capnp'),
  ]);
  return { workerd: plain, 'Hono in workerd': hono };
}

/** axum, which ends with its standard input. */
export function axum(t, program) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, [ADMIN, PUBLIC], { stdio: ['pipe', 'pipe', 'inherit'] });
    t.after(() => child.kill());
    child.on('error', reject).on('exit', (code) => reject(new Error(`axum_paths ended with ${code}`)));
    child.stdout.once('data', (line) => resolve({ axum: Number(line) }));
  });
}

/** What is missing for the servers of the distribution: programs or files. */
export function missing() {
  const found = (program) => {
    try {
      execFileSync('sh', ['-c', `command -v ${program}`], { stdio: 'ignore' });
      return true;
    } catch {
      return false;
    }
  };
  return [
    ...['nginx', 'apache2', 'java'].filter((program) => !found(program)),
    ...[TOMCAT].filter((folder) => !existsSync(`${folder}/bin/bootstrap.jar`)),
  ];
}
