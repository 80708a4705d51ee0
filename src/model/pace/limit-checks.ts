/** What is refused before anybody waits: limits that are none, and requests that no limit can ever let through. */
import { DramatisError } from "../../domain/errors.ts";
import { hintFor } from "../../domain/near-names.ts";
import type { Limits } from "./permit.ts";

const LIMIT_NAMES: readonly string[] = ["requestsPerMinute", "tokensPerMinute"] satisfies (keyof Limits)[];
/** More than any context holds; a report of more is no report. */
const MOST_TOKENS = 1e9;

/** One that is misspelt must not become no limit. */
export function checkLimits(limits: Limits): Limits {
  for (const [name, value] of Object.entries(limits)) {
    if (!LIMIT_NAMES.includes(name)) {
      const message = `There is no limit "${name}". ${hintFor(name, LIMIT_NAMES)}`;
      throw new DramatisError("invalid-argument", message);
    }
    if (value === undefined || (Number.isFinite(value) && value >= 1)) continue;
    throw new DramatisError(
      "invalid-argument",
      `The limit ${name}: expected a number from 1 on, got ${String(value)}. Leave it out where there is none.`,
    );
  }
  return limits;
}

export const isTokenCount = (tokens: number) => tokens >= 0 && tokens <= MOST_TOKENS;

/** @throws DramatisError `invalid-argument` */
export function checkTokens(model: string, tokens: number): void {
  if (isTokenCount(tokens)) return;
  const message = `${model}: expected the tokens of a request as a number from 0 to 1e9, got ${tokens}. Count its prompt and the most output it asks for.`;
  throw new DramatisError("invalid-argument", message);
}

export const tooLarge = (model: string, tokens: number, limit: number) =>
  new DramatisError(
    "invalid-argument",
    `${model}: a request needs ${tokens} tokens (its prompt and the most output asked for), but the limit is ${limit} tokens a minute, so it can never be sent. Shorten what is sent, ask for less output, take another model, or raise the limit.`,
  );

export const smaller = (one: number | undefined, other: number | undefined) => {
  if (one === undefined || other === undefined) return one ?? other;
  return Math.min(one, other);
};
