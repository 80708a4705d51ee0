/** What the program's exit codes mean. */
import type { Status } from "../domain/record.ts";

export const EXIT = { done: 0, userError: 1, failed: 2, budget: 3, interrupted: 130 } as const;

/** The exit code of a conversation that ended so. */
export const exitCodeOf: Readonly<Record<Status, number>> = {
  completed: EXIT.done,
  failed: EXIT.failed,
  budget: EXIT.budget,
  interrupted: EXIT.interrupted,
};
