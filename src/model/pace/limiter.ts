/**
 * Keeps all requests of a process to the limits of its account: nobody sends before `acquire` lets it. Requests and
 * tokens a minute are paced evenly, a rejection slows everybody down together, conversations take turns.
 */
import { checkLimits, checkTokens } from "./limit-checks.ts";
import { createModelPace, type ModelPace } from "./model-pace.ts";
import type { Limiter, Limits } from "./permit.ts";
import { systemTimer, type Timer } from "./timer.ts";

export type { Limiter, Limits, Permit, PermitRequest } from "./permit.ts";

/** The limits to keep; everything else is for tests. */
export interface LimiterOptions {
  /** What headers say may lower these, never raise them. A function is asked at each request. Default: learned only. */
  limits?: Limits | ((model: string) => Limits | undefined) | undefined;
  /** Milliseconds. Default: `performance.now`. */
  clock?: (() => number) | undefined;
  /** Spreads pauses. Default: `Math.random`. */
  random?: (() => number) | undefined;
  /** Default: `setTimeout`. It keeps the process alive, and runs only while somebody waits. */
  timer?: Timer | undefined;
  /** Runs something after the task at hand. Default: `setImmediate`. */
  soon?: ((run: () => void) => void) | undefined;
}

const NO_LIMITS: Limits = {};
/** A model nobody asked for that long is forgotten, with what was learned about it. */
const FORGET_AFTER_MS = 10 * 60_000;
const SWEEP_EVERY_MS = 60_000;

/**
 * Makes a limiter for one gateway or several that share an account's limits; pass it as their `limiter`.
 * @throws DramatisError `invalid-argument` for a limit below 1, or one that there is not
 */
export function createLimiter(options: LimiterOptions = {}): Limiter {
  const { limits = NO_LIMITS, random = Math.random, timer = systemTimer, soon = setImmediate } = options;
  const ownClock = options.clock ?? (() => performance.now());
  const limitsFor =
    typeof limits === "function" ? (model: string) => checkLimits(limits(model) ?? NO_LIMITS) : undefined;
  const sameForAll = limitsFor === undefined ? checkLimits(limits as Limits) : NO_LIMITS;
  const paces = new Map<string, ModelPace>();
  let latest = Number.NEGATIVE_INFINITY;
  let sweptAt = Number.NEGATIVE_INFINITY;

  const clock = () => {
    latest = Math.max(latest, ownClock());
    return latest;
  };

  const configured = (model: string) => (limitsFor === undefined ? sameForAll : limitsFor(model));

  /** Instead of a timer of its own, which would outlive whoever made the limiter. */
  function forgetIdle(now: number): void {
    if (now - sweptAt < SWEEP_EVERY_MS) return;
    sweptAt = now;
    for (const [model, pace] of paces) {
      const since = pace.idleSince();
      if (since !== undefined && now - since > FORGET_AFTER_MS) paces.delete(model);
    }
  }

  function paceOf(model: string): ModelPace {
    let pace = paces.get(model);
    if (pace === undefined) {
      pace = createModelPace({ model, clock, random, timer, soon });
      paces.set(model, pace);
    }
    return pace;
  }

  return {
    async acquire(request) {
      const { model, tokens, signal } = request;
      signal?.throwIfAborted();
      checkTokens(model, tokens);
      forgetIdle(clock());
      return paceOf(model).acquire(request, configured(model));
    },
    limitsOf: (model) => paces.get(model)?.limits(configured(model)) ?? configured(model),
  };
}
