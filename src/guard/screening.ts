/** Screens texts on their way into a conversation: odd characters go, secrets are treated as the policy says. Pure. */
import { DramatisError } from "../domain/errors.ts";
import type { Notice, SecretPolicy } from "../domain/screening.ts";
import { describeCharacters, findCharacters, stripCharacters } from "./characters.ts";
import { findSecrets, kindsOf, redactSecrets } from "./secrets.ts";

export interface ScreenOptions {
  /** Where the text comes from, as people are told it: `human input, message 3`. */
  place: string;
  secrets: SecretPolicy;
  /** The text is JSON if it can be read as such: redacting keeps it so. */
  mayBeJson?: boolean | undefined;
}

export interface Screened {
  /** What may be sent; empty when it is blocked. */
  text: string;
  notices: Notice[];
  /** The kinds of secrets for which it is blocked; undefined: it is not. */
  blocked: string | undefined;
}

/** The text without odd characters, and the notice of it if there were any. */
export function screenCharacters(text: string, place: string): Pick<Screened, "text" | "notices"> {
  const found = findCharacters(text);
  if (found.length === 0) return { text, notices: [] };
  return {
    text: stripCharacters(text),
    notices: [{ place, kind: describeCharacters(found), action: "removed" }],
  };
}

export function screenText(text: string, { place, secrets: policy, mayBeJson }: ScreenOptions): Screened {
  // Characters first: one of them inside a key would hide it.
  const { text: plain, notices } = screenCharacters(text, place);
  const secrets = findSecrets(plain);
  if (secrets.length === 0) return { text: plain, notices, blocked: undefined };
  const kind = kindsOf(secrets);
  const blocked: Screened = { text: "", notices, blocked: kind };
  if (policy === "block") return blocked;
  if (policy === "warn") {
    return { text: plain, notices: [...notices, { place, kind, action: "sent" }], blocked: undefined };
  }
  const redacted = (mayBeJson && redactJson(plain)) || redactSecrets(plain);
  if (findSecrets(redacted).length > 0) return blocked;
  return { text: redacted, notices: [...notices, { place, kind, action: "removed" }], blocked: undefined };
}

/** JSON text with the secrets of its strings replaced; undefined when it is no JSON. */
function redactJson(text: string): string | undefined {
  if (!/^\s*[[{]/.test(text)) return undefined;
  try {
    const value: unknown = JSON.parse(text, (_, part) =>
      typeof part === "string" ? redactSecrets(part) : part,
    );
    return JSON.stringify(value);
  } catch {
    return undefined; // any text may begin with a bracket
  }
}

/** What is thrown for a text that is blocked. */
export function secretFound(place: string, kinds: string): DramatisError {
  const where = place[0]?.toUpperCase() + place.slice(1);
  return new DramatisError(
    "secret-found",
    `${where}: expected text without secrets, found ${kinds}. Nothing was sent. ` +
      "Remove it, or set screening.secrets to `redact`.",
  );
}
