// Stands in for the package in the demo's Worker, and shortens two times that the walk waits for.
// All else is the package as it ships.
import * as tollgate from '../../../target/dist/npm/tollgate/worker.js';

export * from '../../../target/dist/npm/tollgate/worker.js';

/** In seconds. The defaults are 60 and 30. */
const keys = { minFresh: 3, cooldown: 4 };

export const createGate = (options) => tollgate.createGate({ ...options, keys });
