/** Moments as they are shown: in UTC, as every report has them. */

/** `2026-11-01 14:30`. */
export const minuteText = (time: number | Date): string =>
  new Date(time).toISOString().slice(0, 16).replace("T", " ");
/** `2026-11-01`. */
export const dayText = (time: number | Date): string => new Date(time).toISOString().slice(0, 10);
