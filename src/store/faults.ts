/** What goes wrong with a conversation and is the store's doing: it is begun again, here or elsewhere. */
import { DramatisError, type ErrorCode } from "../domain/errors.ts";

export const leaseLost = (conversationId: string): DramatisError =>
  new DramatisError(
    "lease-lost",
    `Conversation ${conversationId} is another worker's by now: this one was silent for too long. Nothing was written.`,
  );

const OF_THE_STORE: ReadonlySet<ErrorCode> = new Set(["lease-lost", "store-failed"]);

/** Whether no conversation can be blamed for it: the store cannot be used, or a lease was lost. */
export const isOfTheStore = (error: unknown): error is DramatisError =>
  error instanceof DramatisError && OF_THE_STORE.has(error.code);
