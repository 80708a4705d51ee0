/** Large whole numbers that stay exact, or are refused. */
import { DramatisError } from "../domain/errors.ts";

/** Throws for amounts that a number no longer holds exactly. */
export function exact(value: bigint): number {
  if (value <= BigInt(Number.MAX_SAFE_INTEGER)) return Number(value);
  throw new DramatisError(
    "invalid-argument",
    "The quote passes what is counted exactly, some $9 million. Ask for fewer runs or fewer turns.",
  );
}

/** `sum * times / of`, rounded half up. */
export function roundedShare(sum: number, { times, of }: { times: number; of: number }): number {
  const parts = BigInt(of);
  return exact((2n * BigInt(sum) * BigInt(times) + parts) / (2n * parts));
}
