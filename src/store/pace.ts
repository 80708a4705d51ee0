/**
 * One pace for all workers of a store: GCRA over a row for each account and model, at the database's clock.
 *
 * A booking gives every request a time of its own (its slot), and moves what the row holds, the times at which the next
 * request and the next token would go exactly at the pace, on by what they cost: a minute over the limit, over 0.975.
 * A slot may be 50 ms early against that, which is how a burst, or a booking that came late, catches up. Whoever sends
 * within LATE_MS of its slot or not at all keeps any window of W ms to at most (W + 50 + LATE_MS) x 0.975 of what the
 * limit allows it, and one request more: no window of 6 s or longer, a minute above all, holds more than the limit.
 *
 * Costs of more than 2.5 % of a minute's tokens would break that, since the last one of a window is not waited for within
 * it. So for a minute after a large one, tokens go at a pace that leaves room for another like it, and the first one is
 * waited for until that room is there. What is given back is counted at the full pace, so it is never more than what was
 * charged. No cost makes anybody wait for more than a minute and 0.2 s: after that it has left
 * every window.
 *
 * A database's clock that was set back holds nobody up for more than ten minutes.
 */
import type { Sql } from "./sql.ts";

/** What may be sent after its slot; later it is to be booked anew. */
export const LATE_MS = 100;

/** Whose pace: a digest of server and key, never the key itself, and a model. */
export interface PaceKey {
  account: string;
  model: string;
}

/** Undefined: not known, not limited. */
export interface PaceLimits {
  requestsPerMinute?: number | undefined;
  tokensPerMinute?: number | undefined;
}

export interface PaceStep {
  /** Tokens of the requests that want to go, in their order; none: only the rest. */
  costs: readonly number[];
  /** Those that are set; what headers say may only be lower. */
  limits: PaceLimits;
  /** Limits as headers said them last, for all workers. */
  told?: PaceLimits | undefined;
  /** Nobody goes for so many milliseconds, by what headers said of either. */
  holdMs?: { requests?: number | undefined; tokens?: number | undefined } | undefined;
  /** Booked and not sent; tokens below 0: more was sent than booked. */
  unused?: { requests: number; tokens: number } | undefined;
  /** A request of this pause's time was answered: what follows begins with short pauses again. */
  accepted?: number | undefined;
  /** Milliseconds since 1970 instead of the database's clock; for tests. */
  at?: number | undefined;
}

/** Times are milliseconds since 1970 at the database's clock. */
export interface PaceState {
  /** When the statement was carried out. */
  at: number;
  /** Nobody goes before. */
  pausedUntil: number;
  /** How many pauses there were: rejections of requests that left in the time of one pause are one. */
  pauses: number;
  /** Pauses in a row. */
  growth: number;
}

export interface Booking extends PaceState {
  /** When each request goes, in the order of the costs. */
  slots: number[];
  /** In force: set or told, the lower one; else concluded from rejections. */
  limits: PaceLimits;
}

export interface PaceRejection {
  limits: PaceLimits;
  /** `pauses` when the request was booked. */
  pauses: number;
  /** How long the provider asks to wait. */
  retryAfterMs?: number | undefined;
  /** Spreads pauses: from [0, 1). */
  jitter: number;
  /** For tests. */
  at?: number | undefined;
}

/** Limits of a day may name hours; nothing names more. */
const LONGEST_HINT_MS = 24 * 60 * 60 * 1000;
const LONGEST_HOLD_MS = 60_000;

interface StateRow {
  at: number;
  paused_until: number;
  pauses: number;
  growth: number;
}

interface BookingRow extends StateRow {
  slots: number[];
  requests_per_minute: number | null;
  tokens_per_minute: number | null;
}

const stateOf = ({ at, paused_until: pausedUntil, pauses, growth }: StateRow): PaceState => ({
  at,
  pausedUntil,
  pauses,
  growth,
});

function only<Row>(rows: readonly Row[]): Row {
  const [row] = rows;
  if (row === undefined) throw new Error("A pace's statement gives one row.");
  return row;
}

const hold = (milliseconds: number | undefined) =>
  milliseconds === undefined ? null : Math.min(milliseconds, LONGEST_HOLD_MS);

/**
 * Books a slot for each request, and tells what was learned, in one statement. Sent again, since its answer got lost, it books
 * other slots, and gives back nothing more.
 */
export async function bookPace(sql: Sql, { account, model }: PaceKey, step: PaceStep): Promise<Booking> {
  const { costs, limits, told = {}, holdMs = {}, unused = { requests: 0, tokens: 0 } } = step;
  const mark = unused.requests === 0 && unused.tokens === 0 ? null : crypto.randomUUID();
  const row = only(
    await sql.query<BookingRow>(
      `select at, slots, paused_until, pauses, growth, requests_per_minute, tokens_per_minute
       from dramatis.book_pace_once($1, $2, $3::float8[], $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
      [
        account,
        model,
        costs,
        limits.requestsPerMinute ?? null,
        limits.tokensPerMinute ?? null,
        told.requestsPerMinute ?? null,
        told.tokensPerMinute ?? null,
        hold(holdMs.requests),
        hold(holdMs.tokens),
        unused.requests,
        unused.tokens,
        step.accepted ?? null,
        step.at ?? null,
        mark,
      ],
    ),
  );
  return {
    ...stateOf(row),
    slots: row.slots,
    limits: {
      requestsPerMinute: row.requests_per_minute ?? undefined,
      tokensPerMinute: row.tokens_per_minute ?? undefined,
    },
  };
}

/**
 * A request was turned away: all workers pause, for as long as the provider asks or for a while that doubles from pause to
 * pause, and come back one by one. Where no limit is known, the pace they come back at is concluded from what was sent.
 */
export async function pausePace(
  sql: Sql,
  { account, model }: PaceKey,
  { limits, pauses, retryAfterMs, jitter, at }: PaceRejection,
): Promise<PaceState> {
  const isHint = retryAfterMs !== undefined && retryAfterMs > 0;
  const rows = await sql.query<StateRow>(
    "select at, paused_until, pauses, growth from dramatis.pause_pace($1, $2, $3, $4, $5, $6, $7)",
    [
      account,
      model,
      pauses,
      isHint ? Math.min(retryAfterMs, LONGEST_HINT_MS) : null,
      jitter,
      limits.requestsPerMinute ?? null,
      at ?? null,
    ],
  );
  return stateOf(only(rows));
}
