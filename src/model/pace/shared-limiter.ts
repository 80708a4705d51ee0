/**
 * A limiter whose pace all workers of a store share. Turns between conversations and priorities are kept in each process;
 * between processes, slots are booked first come, first served, a few at a time.
 */
import { createHash } from "node:crypto";
import { bookPace, pausePace } from "../../store/pace.ts";
import type { Sql } from "../../store/sql.ts";
import { checkLimits, checkTokens } from "./limit-checks.ts";
import type { Limiter, Limits } from "./permit.ts";
import { createSharedModelPace, type SharedModelPace } from "./shared-model-pace.ts";
import { systemTimer, type Timer } from "./timer.ts";

export interface SharedLimiterOptions {
  sql: Sql;
  /** Whose limits they are; see `accountOf`. */
  account: string;
  /** The limits to keep; what headers say may lower these, never raise them. Default: learned only. */
  limits?: Limits | ((model: string) => Limits | undefined) | undefined;
  /** Milliseconds; only differences count. Default: `performance.now`. */
  clock?: (() => number) | undefined;
  /** Spreads pauses. Default: `Math.random`. */
  random?: (() => number) | undefined;
  /** Default: `setTimeout`. */
  timer?: Timer | undefined;
}

const FORGET_AFTER_MS = 10 * 60_000;

const digest = (text: string) => createHash("sha256").update(text).digest("hex");

/** Names an account in the store without its key: a digest of the server's address and of the key's fingerprint. */
export const accountOf = (baseUrl: string, apiKey: string): string =>
  digest(`${baseUrl}\n${digest(apiKey)}`).slice(0, 32);

/**
 * Makes a limiter over a store, for one gateway of a process or several; every process of the account makes its own.
 * Its `acquire` also rejects with `store-failed`, when the store could not be asked for a minute.
 * @throws DramatisError `invalid-argument` for a limit below 1, or one that there is not
 */
export function createSharedLimiter(options: SharedLimiterOptions): Limiter {
  const { sql, account, limits = {}, random = Math.random, timer = systemTimer } = options;
  const ownClock = options.clock ?? (() => performance.now());
  const limitsFor =
    typeof limits === "function" ? (model: string) => checkLimits(limits(model) ?? {}) : undefined;
  const sameForAll = typeof limits === "function" ? {} : checkLimits(limits);
  const configured = (model: string) => limitsFor?.(model) ?? sameForAll;
  const paces = new Map<string, SharedModelPace>();
  let latest = Number.NEGATIVE_INFINITY;
  const clock = () => {
    latest = Math.max(latest, ownClock());
    return latest;
  };

  function paceOf(model: string): SharedModelPace {
    const known = paces.get(model);
    if (known !== undefined) return known;
    for (const [other, { idleSince }] of paces) {
      const since = idleSince();
      if (since !== undefined && clock() - since > FORGET_AFTER_MS) paces.delete(other);
    }
    const key = { account, model };
    const made = createSharedModelPace({
      model,
      pace: {
        book: (step) => bookPace(sql, key, step),
        pause: (rejection) => pausePace(sql, key, rejection),
      },
      clock,
      random,
      timer,
    });
    paces.set(model, made);
    return made;
  }

  return {
    async acquire(request) {
      const { model, tokens, signal } = request;
      signal?.throwIfAborted();
      checkTokens(model, tokens);
      return paceOf(model).acquire(request, configured(model));
    },
    limitsOf: (model) => paces.get(model)?.limits(configured(model)) ?? configured(model),
  };
}
