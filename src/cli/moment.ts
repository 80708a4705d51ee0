/** Moments as they are typed: a date, a time, or how long ago. All in UTC, unless a time says otherwise. */
import { InvalidArgumentError } from "commander";
import { DramatisError } from "../domain/errors.ts";

/** Milliseconds since 1970, given what time it is. */
export type Moment = (now: number) => number;

const UNITS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };
const AGO = /^(\d{1,6})([mhdw])$/;
const DATE = /^\d{4}-\d{2}-\d{2}$/;
const TIME = /^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?)(Z|[+-]\d{2}:\d{2})?$/i;

/** February 30 is no date, although `Date` reads it as March 2. */
function isDate(day: string): boolean {
  const time = Date.parse(`${day}T00:00:00Z`);
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(day);
}

/** `2026-11-01`, `2026-11-01T14:30`, `2026-11-01T14:30+01:00`, `7d`, `24h`, `90m`, `now`. */
export function moment(text: string): Moment {
  const given = text.trim();
  if (given === "now") return (now) => now;
  const [, amount, unit = ""] = AGO.exec(given) ?? [];
  if (amount !== undefined) return (now) => now - Number(amount) * (UNITS[unit] ?? 0);
  const [, day = given, hours = "00:00", zone = "Z"] = TIME.exec(given) ?? [];
  const time =
    DATE.test(day) && isDate(day) ? Date.parse(`${day}T${hours}${zone.toUpperCase()}`) : Number.NaN;
  if (Number.isNaN(time)) {
    throw new InvalidArgumentError(
      "Expected a date like 2026-11-01, a time like 2026-11-01T14:30 (UTC), or how long ago: 7d, 24h, 90m.",
    );
  }
  return () => time;
}

const iso = (time: number) => new Date(time).toISOString();

/**
 * From one moment to another, in milliseconds since 1970; by default the latest `usualMs` up to now.
 * @throws DramatisError `invalid-argument` for a time that does not end after it begins, or begins before 1970
 */
export function typedPeriod(
  { since, until }: { since?: Moment | undefined; until?: Moment | undefined },
  usualMs: number,
  now: number,
): { since: number; until: number } {
  const end = until?.(now) ?? now;
  const begin = since?.(now) ?? end - usualMs;
  if (begin < 0) throw new DramatisError("invalid-argument", "Expected --since in 1970 or later.");
  if (begin < end) return { since: begin, until: end };
  const got = `${iso(begin)} and ${iso(Math.max(0, end))}`;
  throw new DramatisError("invalid-argument", `Expected --since before --until, got ${got}.`);
}
