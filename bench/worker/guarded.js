// A Worker as a user would write it, to count its fetches.
import { createGate } from 'tollgate';

// Gives access to the linear memory: the benchmark reports how much of it 10,000 tokens take.
const memories = [];
const { Instance } = WebAssembly;
// biome-ignore lint/complexity/useArrowFunction: It is called with `new`.
WebAssembly.Instance = function (...given) {
  const instance = new Instance(...given);
  if (instance.exports.memory !== undefined) memories.push(instance.exports.memory);
  return instance;
};

let gate;
let guarded;

export default {
  async fetch(request, env, ctx) {
    gate ??= createGate(JSON.parse(env.OPTIONS));
    guarded ??= gate.protect((_request, _env, _ctx, auth) => new Response(auth.subject));
    switch (new URL(request.url).pathname) {
      case '/memory':
        return Response.json(memories.reduce((sum, { buffer }) => sum + buffer.byteLength, 0));
      case '/verify':
        for (const token of await request.json()) {
          const answer = await gate.verify(token, env, ctx);
          if (!answer.ok) return answer.response;
        }
        return new Response('done');
      default:
        return guarded.fetch(request, env, ctx);
    }
  },
};
