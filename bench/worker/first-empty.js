// An isolate that does nothing, to be subtracted.
export default { fetch: () => new Response('ada') };
