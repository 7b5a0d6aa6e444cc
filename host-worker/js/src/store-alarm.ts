// When a Durable Object wakes to delete what has expired. Each `setAlarm` is billed as a row written, so
// an alarm that is set stays, unless it is much too late.

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** Records that expire, written since the last sweep, from which on a partition is swept hourly. */
const MANY = 1000;

/** How long a record is kept after its expiry: what a clock that was wrong for a moment deletes is lost. */
export const KEPT = HOUR;

/**
 * The time of the alarm that a commit needs, or nothing if the one that is set will do. All times are in
 * milliseconds since 1970.
 *
 * @param alarm the alarm that is set
 * @param expiry the earliest expiry in the commit
 * @param written records that expire, written since the last sweep
 */
export function alarmAfterCommit(
  alarm: number | null,
  now: number,
  expiry: number,
  written: number,
): number | undefined {
  const due = alarmAfterSweep(now, expiry);
  if (alarm === null) return due;
  if (written >= MANY && alarm > now + HOUR) return now + HOUR;
  // Records that wait for a sweep cost next to nothing, and fewer than `MANY` do.
  if (alarm > due + DAY) return Math.max(due, now + DAY);
  return undefined;
}

/** The time of the next alarm, if this is the earliest expiry of all records: at most hourly. */
export const alarmAfterSweep = (now: number, expiry: number): number => Math.max(now + HOUR, expiry + KEPT);
