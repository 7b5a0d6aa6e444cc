// A reporter for `node --test`: appends the numbers of passed, failed and skipped tests to the file
// in TOLLGATE_COUNTS, as one line of JSON.
import { appendFileSync } from 'node:fs';

export default async function* counts(events) {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  for await (const { type, data } of events) {
    // A suite says nothing that its tests do not say, unless it fails by itself.
    const isSuite = data.details?.type === 'suite';
    const isSkipped = data.skip !== undefined || data.todo !== undefined;
    if (type === 'test:fail' && !isSkipped) {
      if (!isSuite || data.details.error?.failureType !== 'subtestsFailed') counts.failed += 1;
    } else if (type === 'test:pass' || type === 'test:fail') {
      if (isSkipped) counts.skipped += 1;
      else if (!isSuite) counts.passed += 1;
    }
  }
  appendFileSync(process.env.TOLLGATE_COUNTS, `${JSON.stringify(counts)}\n`);
  // A reporter is a generator; this one has nothing to print.
  yield '';
}
