/** Tells one text field of a structured answer as plain text while the answer arrives. */
import type { StructuredMethod } from "../domain/scenario.ts";
import { withoutKey } from "../domain/secrets.ts";
import type { Delta } from "./exchange.ts";
import { ANSWER_TOOL } from "./reply.ts";
import { type FieldReader, stringFieldReader } from "./string-field.ts";

/** A piece of an answer's text. */
export interface TextPiece {
  /** Of the request; a later attempt's text replaces what the earlier ones told. */
  attempt: number;
  /** Never empty. */
  text: string;
}

export interface AnswerTextParts {
  /** The top-level field that is told. */
  field: string;
  /** How the answer was demanded, which says where it arrives. */
  method: StructuredMethod;
  /** Never told, even when a provider echoes it. */
  apiKey: string;
  onText(piece: TextPiece): void;
}

/** The end of a text that may be the beginning of the key. */
function mayBeginKey(text: string, key: string): number {
  for (let length = Math.min(key.length - 1, text.length); length > 0; length--) {
    if (text.endsWith(key.slice(0, length))) return length;
  }
  return 0;
}

/** Holds back what may become the key until it is clear that it does not. The end of a text may so stay untold. */
function keyFilter(key: string): (text: string) => string {
  let held = "";
  return (text) => {
    const known = withoutKey(held + text, key);
    const unsure = mayBeginKey(known, key);
    held = known.slice(known.length - unsure);
    return known.slice(0, known.length - unsure);
  };
}

/** Takes the pieces of an answer as they arrive and tells the field's text in them. */
export function answerText({ field, method, apiKey, onText }: AnswerTextParts): (delta: Delta) => void {
  let attempt: number | undefined;
  let read: FieldReader = () => "";
  let filtered = keyFilter(apiKey);
  return (delta) => {
    if (delta.attempt !== attempt) {
      attempt = delta.attempt;
      read = stringFieldReader(field);
      filtered = keyFilter(apiKey);
    }
    const isCall = method === "function-calling";
    const piece = isCall ? (delta.callName === ANSWER_TOOL ? delta.callArguments : "") : delta.content;
    const text = filtered(read(piece));
    if (text !== "") onText({ attempt, text });
  };
}
