// Servers on Node, each on a port of its own: `/pub` is public, `/admin` is not.
import http from 'node:http';
import path from 'node:path';
import { getRequestListener } from '@hono/node-server';
import express from 'express';
import { Hono } from 'hono';
import { ADMIN, PUBLIC } from './markers.mjs';

function below(place, path) {
  return path === place || path.startsWith(`${place}/`);
}

function answer(pathname) {
  if (below('/admin', pathname)) return ADMIN;
  return below('/pub', pathname) ? PUBLIC : 'other';
}

function expressApp() {
  const app = express();
  app.set('case sensitive routing', true);
  app.use('/admin', (request, response) => void response.end(ADMIN));
  app.use('/pub', (request, response) => void response.end(PUBLIC));
  return app;
}

function honoApp() {
  const app = new Hono();
  for (const route of ['/admin', '/admin/*']) app.get(route, (c) => c.text(ADMIN));
  for (const route of ['/pub', '/pub/*']) app.get(route, (c) => c.text(PUBLIC));
  return app;
}

/** What is written by hand, in the ways in which it is: from the target without its query. */
const byHand = {
  'new URL': (url) => new URL(url, 'http://h').pathname,
  'new URL, decoded': (url) => decodeURIComponent(new URL(url, 'http://h').pathname),
  'decoded, new URL': (url) => new URL(decodeURIComponent(url), 'http://h').pathname,
  'decoded twice, normalized': (url) => path.posix.normalize(decodeURIComponent(decodeURIComponent(url))),
  'new URL, decoded, normalized': (url) => path.posix.normalize(decodeURIComponent(new URL(url, 'http://h').pathname)),
  'normalized, decoded, new URL': (url) => new URL(decodeURI(path.posix.normalize(url)), 'http://h').pathname,
  'without parameters, normalized, decoded': (url) =>
    path.posix.normalize(decodeURIComponent(url.replace(/;[^/]*/g, ''))),
  'decoded, without parameters, normalized': (url) =>
    path.posix.normalize(decodeURIComponent(url).replace(/;[^/]*/g, '')),
  'as a Windows path': (url) => path.win32.normalize(decodeURIComponent(url)).replaceAll('\\', '/'),
};

/** Starts all; each name with its port. */
export async function frameworks(t) {
  const handlers = {
    Express: expressApp(),
    Hono: getRequestListener(honoApp().fetch),
    ...Object.fromEntries(
      Object.entries(byHand).map(([name, read]) => [
        `Node: ${name}`,
        (request, response) => void response.end(answer(read(request.url.split('?')[0]))),
      ]),
    ),
  };
  const ports = {};
  for (const [name, handler] of Object.entries(handlers)) {
    const server = http.createServer(async (request, response) => {
      try {
        await handler(request, response);
      } catch {
        response.statusCode = 400;
        response.end();
      }
    });
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    t.after(() => server.close());
    ports[name] = server.address().port;
  }
  return ports;
}
