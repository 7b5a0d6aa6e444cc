// Replaces the package in the demo's Worker, and shortens two durations that the demo waits for.
// Everything else is the released package.
import * as tollgate from '../../../target/dist/npm/tollgate/worker.js';

export * from '../../../target/dist/npm/tollgate/worker.js';

/** In seconds. The defaults are 60 and 30. */
const keys = { minFresh: 3, cooldown: 4 };

export const createGate = (options) => tollgate.createGate({ ...options, keys });
