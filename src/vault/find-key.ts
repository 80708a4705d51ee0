/** Which key is used: that of a file named for this run, else of the environment, else of the vault. */
import { DramatisError } from "../domain/errors.ts";
import { checkedKey } from "./key-text.ts";
import { type Env, setIn, vaultPlace } from "./place.ts";
import { readPrivate } from "./private-file.ts";
import { openVault } from "./vault.ts";
import type { KeyKind } from "./vault-file.ts";

/** Where a key was found. */
export type KeySource = "key-file" | "environment" | "vault";

export interface FoundKey {
  /** Secret. */
  key: string;
  source: KeySource;
}

export interface WhereToLook {
  /** A file that holds a key and nothing else, readable by its owner only; an admin key is never in one. */
  keyFile?: string | undefined;
  env: Env;
}

const VARIABLES: Readonly<Record<KeyKind, string>> = {
  api: "OPENAI_API_KEY",
  admin: "OPENAI_ADMIN_KEY",
  webhook: "OPENAI_WEBHOOK_SECRET",
};

/** What a file is to hold. */
const CONTENTS: Readonly<Record<Exclude<KeyKind, "admin">, string>> = {
  api: "an API key",
  webhook: "the secret of a webhook",
};

/**
 * The first key there is; undefined when there is none. The vault is not touched when a key comes before it.
 *
 * @throws DramatisError when the file or the vault is there and cannot be used: a key that was meant is not passed over
 */
export function findKey(kind: KeyKind, { keyFile, env }: WhereToLook): FoundKey | undefined {
  if (kind !== "admin" && keyFile !== undefined)
    return { key: readKeyFile(keyFile, CONTENTS[kind]), source: "key-file" };
  const key = setIn(env, VARIABLES[kind]);
  if (key !== undefined) return { key, source: "environment" };
  if (vaultPlace(env) === undefined) return undefined;
  const stored = openVault({ env }).first(kind);
  return stored && { key: stored.key, source: "vault" };
}

function readKeyFile(file: string, what: string): string {
  const text = readPrivate(file, "The key file");
  if (text !== undefined) return checkedKey(text, `The key file ${file}`);
  throw new DramatisError(
    "invalid-file",
    `The key file ${file} is not there. Name a file that holds ${what}.`,
  );
}
