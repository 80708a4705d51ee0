/** What the program's exit codes mean. */
import { DramatisError } from "../domain/errors.ts";
import type { Status } from "../domain/record.ts";

export const EXIT = { done: 0, userError: 1, failed: 2, budget: 3, interrupted: 130 } as const;

/** The exit code of a conversation that ended so. */
export const exitCodeOf: Readonly<Record<Status, number>> = {
  completed: EXIT.done,
  failed: EXIT.failed,
  budget: EXIT.budget,
  interrupted: EXIT.interrupted,
};

/** Errors of this package are the user's to mend, but for conversations that broke off; all others are ours. */
export const exitCodeOfError = (error: unknown): number =>
  error instanceof DramatisError && error.code !== "run-failed" ? EXIT.userError : EXIT.failed;
