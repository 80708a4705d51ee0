/** Warnings of the process, for programs that did not ask to be told of problems. */
import { messageOf } from "../domain/errors.ts";
import { withoutKeys } from "../domain/secrets.ts";

/** @param outcome what becomes of the conversation that a problem is about */
export function warnOf(outcome: string) {
  return (conversation: { runId: string; conversationId: string } | undefined, error: unknown): void => {
    const reason = withoutKeys(messageOf(error));
    const { runId, conversationId } = conversation ?? {};
    const one =
      conversationId === "" ? `The batches of ${runId}` : `The conversation ${conversationId}, ${outcome}`;
    const what = conversation === undefined ? "The simulations' queue" : one;
    process.emitWarning(`${what}: ${reason}`, { type: "DramatisWarning", code: "DRAMATIS_SIMULATION" });
  };
}
