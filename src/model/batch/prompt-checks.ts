/** What prompts by batch, and how they are to be sent, are checked for before anything is. Pure. */
import { DramatisError } from "../../domain/errors.ts";
import type { SecretPolicy } from "../../domain/screening.ts";
import { mapTexts } from "../../domain/secrets.ts";
import { screenText } from "../../guard/screening.ts";
import type { ChatRequest } from "../exchange.ts";
import { OUR_ID } from "./provider-batch.ts";

export interface CheckedPrompt {
  messages: ChatRequest["messages"];
  maxOutputTokens?: number | undefined;
  temperature?: number | undefined;
}

export interface CheckedOptions {
  pollMs: number;
  metadata: Readonly<Record<string, string>>;
}

/** Of a batch's metadata: https://platform.openai.com/docs/api-reference/batch/create. Two of its 16 pairs are ours. */
const MOST_PAIRS = 14;
const MOST_NAME_CHARACTERS = 64;
const MOST_VALUE_CHARACTERS = 512;
const OURS: ReadonlySet<string> = new Set(["kind", OUR_ID]);

/** Tokens of an image, a sound or a file are not bounded by the bytes of their address, and have prices that no catalog here holds. */
const TEXTS: ReadonlySet<string> = new Set(["text", "refusal"]);

/** Names of a program's may be long. */
const MOST_SHOWN = 80;

const refuse = (message: string) => new DramatisError("invalid-argument", message);
const shown = (text: string) => JSON.stringify(text.slice(0, MOST_SHOWN).toWellFormed());
const promptOf = (id: string) => `Prompt ${shown(id)} of a batch`;
const lengthOf = (text: string) => [...text].length;

/** @throws DramatisError `invalid-argument` */
export function checkPrompt(id: string, { messages, maxOutputTokens, temperature }: CheckedPrompt): void {
  const where = promptOf(id);
  if (!Array.isArray(messages) || messages.length === 0)
    throw refuse(`${where}, messages: expected one or more, got none.`);
  for (const [place, { content }] of messages.entries()) {
    if (!Array.isArray(content)) continue;
    const odd = content.find(({ type }) => !TEXTS.has(type));
    if (odd === undefined) continue;
    throw refuse(
      `${where}, messages[${place}]: expected text, got a part of type ${JSON.stringify(odd.type)}. What it costs at most cannot be figured, so nothing was sent. Describe it in words, or leave it out.`,
    );
  }
  if (maxOutputTokens !== undefined && !(Number.isSafeInteger(maxOutputTokens) && maxOutputTokens > 0))
    throw refuse(`${where}, maxOutputTokens: expected a whole number above 0, got ${maxOutputTokens}.`);
  if (temperature !== undefined && !(temperature >= 0 && temperature <= 2))
    throw refuse(`${where}, temperature: expected a number from 0 to 2, got ${temperature}.`);
}

/** What a prompt with a secret comes to: `block`, nothing is sent; `warn`, it is sent, and told of. */
export type PromptSecrets = Exclude<SecretPolicy, "redact">;

const SECRET_NEXT: Readonly<Record<PromptSecrets, string>> = {
  block: 'Nothing was sent. Remove it, or have it sent: the option `secrets: "warn"`.',
  warn: "It is sent as it stands.",
};

/** Says where a prompt has a secret, and of what kind, as far as rules know its form; undefined: it has none. */
export function secretIn(
  { id, messages }: { id: string; messages: ChatRequest["messages"] },
  secrets: PromptSecrets,
): DramatisError | undefined {
  for (const [place, message] of messages.entries()) {
    const kinds = new Set<string>();
    mapTexts(message, (text) => {
      const { blocked } = screenText(text, { place: "", secrets: "block" });
      if (blocked !== undefined) kinds.add(blocked);
      return text;
    });
    if (kinds.size === 0) continue;
    const found = `expected text without secrets, found ${[...kinds].join(", ")}. ${SECRET_NEXT[secrets]}`;
    return new DramatisError("secret-found", `${promptOf(id)}, messages[${place}]: ${found}`);
  }
  return undefined;
}

/** @throws DramatisError `invalid-argument` */
export function checkOptions({ pollMs, metadata }: CheckedOptions): void {
  if (!(Number.isFinite(pollMs) && pollMs >= 0))
    throw refuse(`A batch of prompts, pollMs: expected milliseconds of 0 or more, got ${pollMs}.`);
  const where = "A batch of prompts, metadata";
  const pairs = Object.entries(metadata);
  if (pairs.length > MOST_PAIRS)
    throw refuse(
      `${where}: expected at most ${MOST_PAIRS} pairs beside ours (${[...OURS].join(", ")}), got ${pairs.length}.`,
    );
  for (const [name, value] of pairs) {
    if (OURS.has(name))
      throw refuse(`${where}: expected names beside ours, got ${shown(name)}. Call it otherwise.`);
    if (lengthOf(name) > MOST_NAME_CHARACTERS)
      throw refuse(
        `${where}: expected names of at most ${MOST_NAME_CHARACTERS} characters, got ${shown(name)} with ${lengthOf(name)}.`,
      );
    if (typeof value !== "string")
      throw refuse(`${where}[${shown(name)}]: expected text, got a ${typeof value}.`);
    if (lengthOf(value) > MOST_VALUE_CHARACTERS)
      throw refuse(
        `${where}[${shown(name)}]: expected at most ${MOST_VALUE_CHARACTERS} characters, got ${lengthOf(value)}.`,
      );
  }
}
