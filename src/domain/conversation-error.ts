/** A conversation that an unforeseen error broke off. */
import { DramatisError } from "./errors.ts";
import type { ConversationRecord } from "./record.ts";

/** `record` holds everything said and paid until then; `cause` is what was thrown. */
export class ConversationError extends DramatisError {
  override readonly name = "ConversationError";
  readonly record: ConversationRecord;

  /** The cause's own text stays out of the message: nobody knows what is in it. */
  constructor(record: ConversationRecord, cause: unknown) {
    const turns = record.turns.length;
    const message = `The conversation broke off after ${turns} ${turns === 1 ? "turn" : "turns"}. See the error's cause; its record holds everything until then.`;
    super("run-failed", message, { cause });
    this.record = record;
  }
}
