/** How long messages and requests may be: a mistake that pastes a whole archive is found before it is paid. Pure. */
import { DEFAULT_MAX_MESSAGE_CHARACTERS, DEFAULT_MAX_REQUEST_CHARACTERS } from "../domain/screening.ts";

/** In UTF-16 code units, as `length` counts. */
export interface LengthLimits {
  /** Default 100,000. */
  maxMessageCharacters?: number | undefined;
  /** All messages together. Default 1,000,000. */
  maxRequestCharacters?: number | undefined;
}

/** What is too long, and how long it may be. */
export interface LengthProblem {
  /** Place of the message in its list, counted from 0; undefined: all of them together are too long. */
  index: number | undefined;
  characters: number;
  maxCharacters: number;
}

/** The first message that is too long, else the whole when it is; undefined: all is well. Takes texts, or their lengths. */
export function checkLengths(
  messages: readonly { readonly length: number }[],
  limits: LengthLimits = {},
): LengthProblem | undefined {
  const {
    maxMessageCharacters = DEFAULT_MAX_MESSAGE_CHARACTERS,
    maxRequestCharacters = DEFAULT_MAX_REQUEST_CHARACTERS,
  } = limits;
  let sum = 0;
  for (const [index, { length }] of messages.entries()) {
    if (length > maxMessageCharacters)
      return { index, characters: length, maxCharacters: maxMessageCharacters };
    sum += length;
  }
  if (sum <= maxRequestCharacters) return undefined;
  return { index: undefined, characters: sum, maxCharacters: maxRequestCharacters };
}

/** `120,000 characters, 20,000 more than the 100,000 allowed`. */
export function describeLength({ characters, maxCharacters }: LengthProblem): string {
  const words = (count: number) => count.toLocaleString("en-US");
  return `${words(characters)} characters, ${words(characters - maxCharacters)} more than the ${words(maxCharacters)} allowed`;
}
