/**
 * The vault: a file of API and admin keys, each encrypted. Reading needs no lock, since the file is only ever replaced
 * as a whole; changes are made one at a time.
 */
import { resolve } from "node:path";
import { DramatisError } from "../domain/errors.ts";
import { hintFor } from "../domain/near-names.ts";
import { dropUnfinished } from "../files/whole-file.ts";
import {
  type EncryptionKeys,
  keepFirstKey,
  keysSource,
  needsNewKey,
  putNewKeyFirst,
  readEncryptionKeys,
  sourceName,
} from "./encryption-keys.ts";
import type { FernetKeys } from "./fernet.ts";
import { checkedName, checkedNewKey } from "./key-text.ts";
import { type LockOptions, withLock } from "./lock.ts";
import { type Env, placeOf, vaultPlace } from "./place.ts";
import { checkFolder, makeFolder, readPrivate, replaceFile } from "./private-file.ts";
import { checkContent, decryptEntry, emptyVault, lockedVault, newEntry, resealed } from "./vault-content.ts";
import { type KeyKind, parseVault, type VaultData, type VaultEntry, vaultText } from "./vault-file.ts";

/** Which vault, and how it is opened; everything is optional. */
export interface VaultOptions {
  /**
   * Default: the file that DRAMATIS_VAULT names, else `dramatis/keys.json` in XDG_CONFIG_HOME or `~/.config`. One vault a
   * folder, since `vault.key` lies beside it and a rotation replaces it.
   */
  file?: string | undefined;
  /** Where the variables are read from. Default: process.env. */
  env?: Env | undefined;
  /** Milliseconds since 1970. Default: Date.now. */
  clock?: (() => number) | undefined;
  /** How long to wait for another process that changes the vault. */
  lock?: LockOptions | undefined;
}

/** What may be shown of a key. */
export interface StoredKey {
  name: string;
  kind: KeyKind;
  /** Eight hexadecimal digits; the same for the same key. They help nobody to guess it. */
  fingerprint: string;
  /** ISO 8601. */
  addedAt: string;
}

/** A key to keep. Secret. */
export interface NewKey {
  /** A slug. Default: the kind. */
  name?: string | undefined;
  kind: KeyKind;
  key: string;
}

/** What `rotate` did, and where the encryption key is. */
export interface Rotation {
  count: number;
  source: "own-file" | "named-file" | "variable";
  /** The file of the encryption key, unless it is in a variable. */
  file?: string;
}

/**
 * Each method reads the file anew. Errors are a DramatisError: `vault-locked` (encryption key missing or another one),
 * `vault-damaged`, `loose-mode`, `vault-busy`, `unknown-name`, `invalid-argument`, `invalid-file`, `write-failed`.
 */
export interface Vault {
  readonly file: string;
  /** In the order they were added; needs no encryption key. */
  list(): StoredKey[];
  /** The key of that name. Secret. */
  read(name: string): string;
  /** The first key of a kind, which is the one that is used. Secret. */
  first(kind: KeyKind): { name: string; key: string } | undefined;
  /** Keeps a key under a new name; makes the vault and its encryption key where there are none. */
  add(key: NewKey): Promise<StoredKey>;
  /** Needs no encryption key. */
  remove(name: string): Promise<StoredKey>;
  /**
   * Encrypts everything with another encryption key: a new one where that is in a file, the first of the variable
   * otherwise. Ended at any moment, it leaves a vault that can be read and rotated again.
   */
  rotate(): Promise<Rotation>;
}

/** A rotation between reading the encryption keys and reading the vault is seen at most so often in a row. */
const MAX_READS = 5;

/** Opens a vault, there or not; nothing is read or written before a method is called. */
export function openVault(options: VaultOptions = {}): Vault {
  const { env = process.env, clock = Date.now, lock } = options;
  const place = options.file === undefined ? vaultPlace(env) : placeOf(resolve(options.file), false);
  if (place === undefined) {
    const message = "There is no folder for the vault: HOME is not set. Name a file with DRAMATIS_VAULT.";
    throw new DramatisError("invalid-argument", message);
  }
  const { file, folder, isOwnFolder, ownKeyFile } = place;
  const source = keysSource(env, place);
  const origin = { file, keysFrom: sourceName(source) };

  function load(): VaultData | undefined {
    const text = readPrivate(file, "The vault");
    if (text === undefined) return undefined;
    checkFolder(folder, isOwnFolder);
    return parseVault(text, file);
  }

  function neededKeys(): EncryptionKeys {
    const keys = readEncryptionKeys(source, env);
    if (keys === undefined) throw lockedVault(origin, "is not there");
    return keys;
  }

  function unknownKey(name: string): DramatisError {
    const asked = checkedName(name);
    const hint = hintFor(asked, (load()?.keys ?? []).map(nameOf));
    return new DramatisError("unknown-name", `There is no key "${asked}" in the vault ${file}. ${hint}`);
  }

  /** Decrypts what `choose` finds; again, when a rotation took place meanwhile. */
  function decrypted(choose: (data: VaultData | undefined) => VaultEntry | undefined) {
    for (let reads = 1; ; reads++) {
      const data = load();
      const entry = choose(data);
      if (data === undefined || entry === undefined) return undefined;
      const keys = neededKeys();
      try {
        return { name: entry.name, key: decryptEntry(entry, { data, keys: keys.keys, origin }) };
      } catch (error) {
        const isSame = JSON.stringify(load()) === JSON.stringify(data);
        if (isSame || reads === MAX_READS) throw error;
      }
    }
  }

  function change<T>(make: () => T): Promise<T> {
    makeFolder(folder);
    checkFolder(folder, isOwnFolder);
    const whole = () => {
      dropUnfinished(file);
      dropUnfinished(ownKeyFile);
      return make();
    };
    return withLock(file, whole, lock);
  }

  const write = (data: VaultData) => replaceFile(file, vaultText(data));

  /** The vault to add to, and its keys. One without a key in it begins anew, whatever encrypted it before. */
  function prepared(): { data: VaultData; keys: FernetKeys } {
    const data = load();
    if (data !== undefined && data.keys.length > 0) return { data, keys: neededKeys().keys };
    const { keys } = readEncryptionKeys(source, env) ?? putNewKeyFirst(ownKeyFile);
    return { data: emptyVault(keys, clock), keys };
  }

  return {
    file,
    list: () => (load()?.keys ?? []).map(shown),
    read(name) {
      const found = decrypted((data) => data?.keys.find((entry) => entry.name === name));
      if (found === undefined) throw unknownKey(name);
      return found.key;
    },
    first: (kind) => decrypted((data) => data?.keys.find((entry) => entry.kind === kind)),
    async add({ kind, name: wanted = kind, key: given }) {
      const name = checkedName(wanted);
      const key = checkedNewKey(given, kind);
      return await change(() => {
        const { data, keys } = prepared();
        if (data.keys.some((entry) => entry.name === name)) {
          const message = `There is a key "${name}" in the vault already. Choose another name, or remove it first: dramatis keys remove ${name}`;
          throw new DramatisError("invalid-argument", message);
        }
        const entry = newEntry({ name, kind, key }, { data, keys, origin }, clock);
        write({ ...data, keys: [...data.keys, entry] });
        return shown(entry);
      });
    },
    async remove(name) {
      const isThere = load()?.keys.some((entry) => entry.name === name);
      if (!isThere) throw unknownKey(name); // Nothing is made where there is nothing to remove.
      return await change(() => {
        const data = load();
        const entry = data?.keys.find((other) => other.name === name);
        if (data === undefined || entry === undefined) throw unknownKey(name);
        write({ ...data, keys: data.keys.filter((other) => other !== entry) });
        return shown(entry);
      });
    },
    async rotate() {
      if (load() === undefined) throw nothingToRotate();
      return await change(rotateNow);
    },
  };

  function nothingToRotate(): DramatisError {
    const message = `There is no vault ${file} to rotate. Add a key first: dramatis keys add`;
    return new DramatisError("unknown-name", message);
  }

  function rotateNow(): Rotation {
    const data = load();
    if (data === undefined) throw nothingToRotate();
    const old = neededKeys();
    checkContent({ data, keys: old.keys, origin }); // All must open before anything is written.
    if (source.kind === "variable" && old.texts.length === 1) throw needsNewKey();
    const next = source.kind === "variable" ? old : putNewKeyFirst(source.file, old.texts);
    write(resealed({ data, keys: next.keys, origin }));
    if (source.kind === "own-file") keepFirstKey(source.file, next);
    const count = data.keys.length;
    return source.kind === "variable"
      ? { count, source: "variable" }
      : { count, source: source.kind, file: source.file };
  }
}

const nameOf = ({ name }: VaultEntry): string => name;

const shown = ({ name, kind, fingerprint, addedAt }: VaultEntry): StoredKey => ({
  name,
  kind,
  fingerprint,
  addedAt,
});
