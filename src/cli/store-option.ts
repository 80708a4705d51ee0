/** Where commands find their store. */
import type { Terminal } from "./terminal.ts";

export const STORE_FLAG = "--store <address>";
export const STORE_WORDS =
  "a directory, or postgres://… for many machines (default: DRAMATIS_STORE, else ./.dramatis)";

const DEFAULT_STORE = "pglite:./.dramatis";

/** The flag's, else the environment's, else a folder beside the work. */
export const storeAddress = (flag: string | undefined, env: Terminal["env"]): string =>
  flag ?? (env.DRAMATIS_STORE?.trim() || DEFAULT_STORE);
