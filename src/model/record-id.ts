/** Nine digits of base 36 hold the milliseconds of the years up to 5188, so that ids sort as text. */
const TIME_DIGITS = 9;
const RANDOM_DIGITS = 3;

/** What every record id looks like; a store refuses others, ids become file names. */
export const RECORD_ID = /^[0-9a-z]{12}$/;

/**
 * An id that sorts by time: milliseconds in base 36 and three random digits.
 *
 * @param now milliseconds since the epoch
 * @param random 0 ≤ x < 1
 */
export function newRecordId(now: number, random: () => number): string {
  const digits = Math.floor(random() * 36 ** RANDOM_DIGITS);
  return digitsOf(now, TIME_DIGITS) + digitsOf(digits, RANDOM_DIGITS);
}

function digitsOf(value: number, length: number): string {
  return value.toString(36).padStart(length, '0');
}

/** When the run of this record started, in milliseconds since the epoch. The id must match {@link RECORD_ID}. */
export function recordTime(id: string): number {
  return Number.parseInt(id.slice(0, TIME_DIGITS), 36);
}
