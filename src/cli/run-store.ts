/** The store of the commands that look at runs or go on with them. */
import { existsSync } from "node:fs";
import { DramatisError } from "../domain/errors.ts";
import { releaseOrphans } from "../store/conversations.ts";
import { addressOf } from "../store/engine.ts";
import { openStore, type Store } from "../store/store.ts";
import { commandName } from "./command-name.ts";
import { storeAddress } from "./store-option.ts";
import type { Terminal } from "./terminal.ts";
import { userFolder } from "./typed-path.ts";

/** The address in full: folders are the user's, wherever npm started this process. */
function placeOf(flag: string | undefined, { env }: Terminal) {
  const address = addressOf(storeAddress(flag, env), userFolder(env));
  return address.engine === "postgres"
    ? { address: address.url, directory: undefined }
    : { address: `pglite:${address.directory}`, directory: address.directory };
}

/** Opens the store, and makes it where there is none. */
export async function openRunStore(flag: string | undefined, terminal: Terminal): Promise<Store> {
  const store = await openStore(placeOf(flag, terminal).address);
  // This process is the only one that can have it open.
  if (store.engine === "pglite") await releaseOrphans(store.sql);
  return store;
}

/** True: there is a store, or a server that may have one. */
export function hasStore(flag: string | undefined, terminal: Terminal): boolean {
  const { directory } = placeOf(flag, terminal);
  return directory === undefined || existsSync(directory);
}

export const noStore = (flag: string | undefined, terminal: Terminal): string =>
  `There is no store at ${placeOf(flag, terminal).directory} yet. It is made with the first run: ${commandName(terminal.env)} simulate product-roundtable --runs 10${storeFlag(flag)}`;

/**
 * Opens a store that is there.
 * @throws DramatisError `store-failed` when there is none
 */
export async function openExistingStore(flag: string | undefined, terminal: Terminal): Promise<Store> {
  if (hasStore(flag, terminal)) return await openRunStore(flag, terminal);
  throw new DramatisError("store-failed", noStore(flag, terminal));
}

/** The flag as it goes into a command that is shown; a password never does. */
export function storeFlag(flag: string | undefined): string {
  if (flag === undefined) return "";
  const shown = flag.replace(/:\/\/[^@/]*@.*$/, "://…");
  return ` --store ${/\s/.test(shown) ? JSON.stringify(shown) : shown}`;
}

/** Runs with the store, and closes it. */
export async function withStore<T>(store: Store, use: (store: Store) => Promise<T>): Promise<T> {
  try {
    return await use(store);
  } finally {
    await store.close();
  }
}
