// Sends requests unchanged, because HTTP clients normalize the target.
import net from 'node:net';

/** The complete response, or the part that arrived within five seconds. */
export function send(port, target, method = 'GET') {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1');
    const chunks = [];
    const end = () => {
      socket.destroy();
      resolve(Buffer.concat(chunks).toString('latin1'));
    };
    socket.setTimeout(5000, end);
    socket
      .on('error', end)
      .on('close', end)
      .on('data', (chunk) => chunks.push(chunk));
    socket.write(`${method} ${target} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n`);
  });
}

/** The responses to many targets, a few at a time. */
export async function sendAll(port, targets) {
  const responses = new Array(targets.length);
  let next = 0;
  await Promise.all(
    Array.from({ length: 12 }, async () => {
      for (let index = next++; index < targets.length; index = next++)
        responses[index] = await send(port, targets[index]);
    }),
  );
  return responses;
}
