/** When an answer was given, as its provider says. */

/** The year 2001, and the year 5138: what lies beyond is no time in seconds. */
const EARLIEST_S = 1e9;
const LATEST_S = 1e11;

/** Of a completion's `created`, in seconds since 1970; undefined for what is no time. */
export const answeredAtOf = (created: unknown): Date | undefined =>
  typeof created === "number" && created >= EARLIEST_S && created < LATEST_S
    ? new Date(Math.floor(created) * 1000)
    : undefined;
