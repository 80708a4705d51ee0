/** The store of every command that looks into one. */
import { releaseOrphans } from "../store/conversations.ts";
import { addressOf } from "../store/engine.ts";
import { openStore, type Store } from "../store/store.ts";
import { storeAddress } from "./store-option.ts";
import type { Terminal } from "./terminal.ts";
import { userFolder } from "./typed-path.ts";

/** The address in full: folders are the user's, wherever npm started this process. */
export function fullAddress(typed: string, { env }: Terminal): string {
  const address = addressOf(typed, userFolder(env));
  return address.engine === "postgres" ? address.url : `pglite:${address.directory}`;
}

/** The store's, as its flag or the environment names it. */
export const placeOf = (flag: string | undefined, terminal: Terminal): string =>
  fullAddress(storeAddress(flag, terminal.env), terminal);

async function withoutOrphans(store: Store): Promise<Store> {
  // This process is the only one that can have it open.
  if (store.engine === "pglite") await releaseOrphans(store.sql);
  return store;
}

/** Opens the store, and makes it where there is none. */
export const openRunStore = async (flag: string | undefined, terminal: Terminal): Promise<Store> =>
  await withoutOrphans(await openStore(placeOf(flag, terminal)));

/**
 * Opens a store that is there, as it is.
 * @throws DramatisError `unknown-name` when there is none; nothing is made then
 */
export const openAsItIs = (flag: string | undefined, terminal: Terminal): Promise<Store> =>
  openStore(placeOf(flag, terminal), { mustExist: true });

/** The same; what a process had in hand that was killed waits again. */
export const openExistingStore = async (flag: string | undefined, terminal: Terminal): Promise<Store> =>
  await withoutOrphans(await openAsItIs(flag, terminal));

/** Runs with the store, and closes it. */
export async function withStore<T>(store: Store, use: (store: Store) => Promise<T>): Promise<T> {
  try {
    return await use(store);
  } finally {
    await store.close();
  }
}
