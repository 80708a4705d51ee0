/** What is encrypted in a vault: made, opened and moved to another encryption key. No I/O. */
import { createHmac, randomBytes } from "node:crypto";
import { DramatisError } from "../domain/errors.ts";
import { type FernetFault, type FernetKeys, open, reseal, seal } from "./fernet.ts";
import type { KeyKind, VaultData, VaultEntry } from "./vault-file.ts";

/** For messages: where the vault is, and where the encryption keys were found. */
export interface Origin {
  file: string;
  keysFrom: string;
}

export interface Content {
  data: VaultData;
  keys: FernetKeys;
  origin: Origin;
}

const SECRET_BYTES = 32;
const FINGERPRINT_DIGITS = 8;

export function emptyVault(keys: FernetKeys, clock: () => number): VaultData {
  return { version: 1, fingerprintKey: seal(randomBytes(SECRET_BYTES), keys, { clock }), keys: [] };
}

export function lockedVault({ file, keysFrom }: Origin, why: string): DramatisError {
  const message = `The vault ${file} cannot be decrypted: ${keysFrom} ${why}. Bring back the key it was encrypted with, in its file or as DRAMATIS_ENCRYPTION_KEY. Where that is lost, remove the vault's keys (dramatis keys remove) and add them again.`;
  return new DramatisError("vault-locked", message);
}

function damagedVault({ file }: Origin, what: string, remedy: string): DramatisError {
  return new DramatisError("vault-damaged", `The vault ${file} is damaged: ${what}. ${remedy}`);
}

const damage = (fault: FernetFault) => (fault === "wrong-mac" ? "was changed" : "was cut short or changed");

/** What fingerprints are made with. To open it is also the proof that the encryption key is the right one. */
export function fingerprintSecret({ data, keys, origin }: Content): Buffer {
  const opened = open(data.fingerprintKey, keys);
  if (opened.ok) return opened.data;
  if (opened.fault === "wrong-mac") throw lockedVault(origin, "is not the key it was encrypted with");
  const remedy = "Restore it from a copy, or delete it and add the keys again.";
  throw damagedVault(origin, `fingerprintKey ${damage(opened.fault)}`, remedy);
}

/** The key of an entry. A token that no key opens is damaged if the rest of the vault can be opened. */
export function decryptEntry(entry: VaultEntry, content: Content): string {
  const opened = open(entry.token, content.keys);
  if (opened.ok) return opened.data.toString("utf8");
  if (opened.fault === "wrong-mac") fingerprintSecret(content);
  const remedy = `Remove it (dramatis keys remove ${entry.name}) and add it again.`;
  throw damagedVault(content.origin, `the key "${entry.name}" ${damage(opened.fault)}`, remedy);
}

export function newEntry(
  { name, kind, key }: { name: string; kind: KeyKind; key: string },
  content: Content,
  clock: () => number,
): VaultEntry {
  return {
    name,
    kind,
    token: seal(Buffer.from(key), content.keys, { clock }),
    fingerprint: fingerprintOf(key, fingerprintSecret(content)),
    addedAt: new Date(clock()).toISOString(),
  };
}

/** Keyed with a secret that is itself encrypted, so that the file alone does not let anybody try out guesses. */
const fingerprintOf = (key: string, secret: Uint8Array): string =>
  createHmac("sha256", secret).update(key).digest("hex").slice(0, FINGERPRINT_DIGITS);

/** Throws what is wrong with the first token that cannot be opened. */
export function checkContent(content: Content): void {
  fingerprintSecret(content);
  for (const entry of content.data.keys) decryptEntry(entry, content);
}

/** Everything under the first of the keys, after {@link checkContent}; every token keeps its time. */
export function resealed({ data, keys, origin }: Content): VaultData {
  const move = (token: string) => {
    const moved = reseal(token, keys);
    if (!moved.ok) throw damagedVault(origin, "a token changed while it was read", "Try again.");
    return moved.token;
  };
  return {
    ...data,
    fingerprintKey: move(data.fingerprintKey),
    keys: data.keys.map((entry) => ({ ...entry, token: move(entry.token) })),
  };
}
