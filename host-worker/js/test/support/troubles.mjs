/** Responses of a hostile or broken token endpoint, with the resulting kind of error. */
export const TROUBLES = {
  'a redirect': {
    expected: 'redirected',
    answer: (_request, response) => response.writeHead(302, { location: 'http://127.0.0.1:9/' }).end(),
  },
  'a page': {
    expected: 'not-json',
    answer: (_request, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<html>'),
  },
  '20 MB': {
    expected: 'too-large',
    answer: (_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.on('error', () => {});
      response.end(Buffer.alloc(20 * 1024 * 1024, 'x'));
    },
  },
  silence: { expected: 'timed-out', answer: () => {} },
  'a broken connection': { expected: 'unreachable', answer: (request) => request.socket.destroy() },
  404: { expected: 'unexpected-status', answer: (_request, response) => response.writeHead(404).end('not found') },
  'another kind of token': {
    expected: 'bad-response',
    answer: (_request, response) =>
      response.end(
        '{"access_token":"a","token_type":"DPoP","issued_token_type":"urn:ietf:params:oauth:token-type:access_token"}',
      ),
  },
};
