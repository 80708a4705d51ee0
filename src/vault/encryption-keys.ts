/** The keys that encrypt the vault: from a variable, from a file that a variable names, else from a file beside it. */
import { DramatisError } from "../domain/errors.ts";
import { type FernetKeys, fernetKey, newFernetKey } from "./fernet.ts";
import { type Env, type Place, setIn } from "./place.ts";
import { readPrivate, replaceFile } from "./private-file.ts";

/** `own-file` is made and rewritten by Dramatis; a `named-file` may serve other vaults too. */
export type KeysSource =
  | { readonly kind: "variable" }
  | { readonly kind: "own-file" | "named-file"; readonly file: string };

/** What a source holds: the first encrypts, all decrypt. */
export interface EncryptionKeys {
  readonly keys: FernetKeys;
  /** As they were written. Secret. */
  readonly texts: readonly string[];
}

const KEY_VARIABLE = "DRAMATIS_ENCRYPTION_KEY";
const FILE_VARIABLE = "DRAMATIS_ENCRYPTION_KEY_FILE";
/** How to make a key where Dramatis does not. */
const MAKE_ONE = "openssl rand -base64 32 | tr '+/' '-_'";

/** Decided by the environment alone. */
export function keysSource(env: Env, place: Place): KeysSource {
  if (setIn(env, KEY_VARIABLE) !== undefined) return { kind: "variable" };
  const named = setIn(env, FILE_VARIABLE);
  return named === undefined
    ? { kind: "own-file", file: place.ownKeyFile }
    : { kind: "named-file", file: named };
}

/** For messages. */
export const sourceName = (source: KeysSource): string =>
  source.kind === "variable" ? KEY_VARIABLE : `the key file ${source.file}`;

/**
 * The keys of a source; undefined when the vault's own key file is not there.
 *
 * @throws DramatisError `vault-locked` when they are no keys or the named file is missing; `loose-mode`
 */
export function readEncryptionKeys(source: KeysSource, env: Env): EncryptionKeys | undefined {
  if (source.kind === "variable") return parseKeys(setIn(env, KEY_VARIABLE) ?? "", KEY_VARIABLE);
  const text = readPrivate(source.file, "The key file");
  if (text !== undefined) return parseKeys(text, `The key file ${source.file}`);
  if (source.kind === "own-file") return undefined;
  const message = `${FILE_VARIABLE} names ${source.file}, but there is no such file. Put a key there with mode 0600 (${MAKE_ONE}), or unset the variable.`;
  throw new DramatisError("vault-locked", message);
}

function parseKeys(text: string, where: string): EncryptionKeys {
  const texts = text.split(/[\s,]+/).filter((part) => part !== "");
  const keys = texts.map((part, index) => {
    const key = fernetKey(part);
    if (key !== undefined) return key;
    const which = texts.length === 1 ? "it is none" : `number ${index + 1} of ${texts.length} is none`;
    const message = `${where}: expected Fernet keys (44 characters of base64url each), separated by commas; ${which}. To make one: ${MAKE_ONE}`;
    throw new DramatisError("vault-locked", message);
  });
  const [first, ...rest] = keys;
  if (first !== undefined) return { keys: [first, ...rest], texts };
  throw new DramatisError("vault-locked", `${where} holds no key. To make one: ${MAKE_ONE}`);
}

/** Writes a new key before the old ones, so that both the vault as it is and the next one can be read. */
export function putNewKeyFirst(file: string, old: readonly string[] = []): EncryptionKeys {
  const text = `${[newFernetKey(), ...old].join("\n")}\n`;
  replaceFile(file, text);
  return parseKeys(text, file);
}

/** Takes the old keys out of a file, once nothing needs them. */
export function keepFirstKey(file: string, { texts }: EncryptionKeys): void {
  replaceFile(file, `${texts[0]}\n`);
}

/** What to do where a new key cannot be made by Dramatis. */
export const needsNewKey = (): DramatisError =>
  new DramatisError(
    "invalid-argument",
    `${KEY_VARIABLE} holds one key, and Dramatis cannot change a variable. Make a key (${MAKE_ONE}), set the variable to the new key, a comma and the old key, and run this again; after that the old key may go.`,
  );
