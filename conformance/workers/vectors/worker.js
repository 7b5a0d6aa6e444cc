// The vectors in workerd: checks in, answers out.
import core from './tollgate-conformance.core.wasm';
import core2 from './tollgate-conformance.core2.wasm';
import core3 from './tollgate-conformance.core3.wasm';
import signaturesCore from './tollgate-signatures.core.wasm';
import signaturesCore2 from './tollgate-signatures.core2.wasm';
import signaturesCore3 from './tollgate-signatures.core3.wasm';
import { answering } from './vectors.js';

const answersTo = answering({
  conformance: { core, core2, core3 },
  signatures: { core: signaturesCore, core2: signaturesCore2, core3: signaturesCore3 },
});

export default {
  fetch: async (request) => Response.json(await answersTo(await request.json())),
};
