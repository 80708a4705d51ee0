/** Requests and tokens, compared: sums and differences of whole numbers. Pure. */
import { exactSum } from "../sums.ts";

/** Requests and tokens; in a difference each may be below 0. */
export interface Amounts {
  requests: number;
  /** With the cached ones. */
  inputTokens: number;
  cachedInputTokens: number;
  outputTokens: number;
}

const combined = (a: Amounts, b: Amounts, of: (a: number, b: number) => number): Amounts => ({
  requests: of(a.requests, b.requests),
  inputTokens: of(a.inputTokens, b.inputTokens),
  cachedInputTokens: of(a.cachedInputTokens, b.cachedInputTokens),
  outputTokens: of(a.outputTokens, b.outputTokens),
});

export const NOTHING: Readonly<Amounts> = {
  requests: 0,
  inputTokens: 0,
  cachedInputTokens: 0,
  outputTokens: 0,
};
const FIELDS = Object.keys(NOTHING) as (keyof Amounts)[];

/** @throws DramatisError `invalid-argument` where a sum would not be exact */
export const plus = (a: Amounts, b: Amounts): Amounts => combined(a, b, exactSum);
export const minus = (a: Amounts, b: Amounts): Amounts => combined(a, b, (one, other) => one - other);
export const negated = (amounts: Amounts): Amounts => minus(NOTHING, amounts);

/** Requests may be counted in another way. */
export const hasNoTokens = ({ inputTokens, cachedInputTokens, outputTokens }: Amounts): boolean =>
  inputTokens === 0 && cachedInputTokens === 0 && outputTokens === 0;
export const isNothing = (amounts: Amounts): boolean => amounts.requests === 0 && hasNoTokens(amounts);
export const isEqual = (a: Amounts, b: Amounts): boolean => FIELDS.every((field) => a[field] === b[field]);
/** Whether the one is nowhere above the other. */
export const isWithin = (a: Amounts, b: Amounts): boolean => FIELDS.every((field) => a[field] <= b[field]);
export const isPositive = (amounts: Amounts): boolean => isWithin(NOTHING, amounts);
