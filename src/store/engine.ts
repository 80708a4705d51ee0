/** The two places a store can be: a directory, opened in this process, or a Postgres server. */
import { existsSync, readdirSync, statSync } from "node:fs";
import { isAbsolute, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type pg from "pg";
import { DramatisError } from "../domain/errors.ts";
import { makeFolders } from "../files/make-folder.ts";
import { type DirectoryLock, lockDirectory, lockOf, realPlace } from "./directory-lock.ts";
import { checkRoom } from "./room.ts";
import { typesOf } from "./sql.ts";

export const ENGINES = ["pglite", "postgres"] as const;
/** `pglite`: embedded in this process; `postgres`: a server. */
export type EngineName = (typeof ENGINES)[number];

export interface Engine {
  readonly name: EngineName;
  readonly pool: pg.Pool;
  /** What people may read: a directory, or host and database without credentials. */
  readonly place: string;
  /** Embedded only. @throws DramatisError `store-failed` when the disk is as good as full */
  checkRoom?(): void;
  /** Whole content as a compressed archive; embedded only. */
  dump?(): Promise<Blob>;
  close(): Promise<void>;
}

/** A transaction that waits for a connection longer than that waits for itself. */
const CONNECTION_TIMEOUT_MS = 30_000;
/** Shorter than what makes a worker lose what it held. */
const IDLE_IN_TRANSACTION_MS = 8_000;
const POOL_SIZE = 10;
/** Pages of 8 kB, 32 MB in all: the embedded engine takes half a second longer to open with Postgres' own 128 MB. */
const SHARED_BUFFERS = 4096;

export type Address = { engine: "pglite"; directory: string } | { engine: "postgres"; url: string };

/**
 * What a store's address means: `postgres://…`, `pglite:<directory>`, or a plain directory.
 * @throws DramatisError `invalid-argument` for other kinds of addresses.
 */
export function addressOf(store: string, folder: string = process.cwd()): Address {
  const text = store.trim();
  if (/^postgres(ql)?:\/\//i.test(text)) return { engine: "postgres", url: text };
  if (/^file:\/\//i.test(text)) return { engine: "pglite", directory: fileURLToPath(text) };
  const path = text.replace(/^pglite:(\/\/)?/i, "");
  // A mistyped address may hold a password, and no directory begins like one; `C:/` is a drive.
  const [, scheme] = /^(postgres(?:ql)?:|[a-z][a-z0-9+.-]+:\/)/i.exec(path) ?? [];
  if (path === "" || scheme !== undefined) {
    const got = path === "" ? JSON.stringify(text) : `another kind of address (${scheme}…)`;
    throw new DramatisError(
      "invalid-argument",
      `The store's address: expected a directory, pglite:<directory> or postgres://…, got ${got}.`,
    );
  }
  return { engine: "pglite", directory: isAbsolute(path) ? path : resolve(folder, path) };
}

/** The host and database of an address, without user, password and parameters. */
function placeOf(url: string): string {
  if (!URL.canParse(url)) return "postgres";
  const { host, pathname } = new URL(url);
  return `${host === "" ? "localhost" : host}${pathname}`;
}

export const noStoreAt = (place: string) =>
  new DramatisError("unknown-name", `There is no store at ${place}. It is made with the first run:`, {
    command: "simulate product-roundtable --runs 10",
  });

/** What is thrown need not be an error: the embedded engine's file system throws names and numbers. */
export function reason(error: unknown): string {
  if (typeof error !== "object" || error === null) return String(error);
  const { message, name, code, errno } = error as Record<string, unknown>;
  if (typeof message === "string" && message !== "") return message;
  const said = [name, code, errno].filter((part) => part !== undefined && part !== "");
  return said.length > 0 ? said.join(" ") : "no reason was given";
}

/** Also for those who use the pool itself, with a promise or a callback: the queue, the checkpoints. */
function guardRoom(pool: pg.Pool, directory: string): void {
  const connect = pool.connect.bind(pool) as (...args: unknown[]) => unknown;
  const guarded = (...args: unknown[]): unknown => {
    try {
      checkRoom(directory);
    } catch (error) {
      const [callback] = args;
      if (typeof callback !== "function") return Promise.reject(error);
      process.nextTick(callback, error);
      return undefined;
    }
    return connect(...args);
  };
  pool.connect = guarded as typeof pool.connect;
}

/** What a directory holds as far as a store is concerned: one, nothing yet, or something else. */
function contentOf(directory: string): "store" | "nothing" | "other" {
  if (existsSync(join(directory, "PG_VERSION"))) return "store";
  return existsSync(directory) && readdirSync(directory).length > 0 ? "other" : "nothing";
}

/** @throws DramatisError `store-failed` when the directory is neither a store nor empty: somebody's files lie there */
function refuseOther(directory: string): void {
  if (contentOf(directory) !== "other") return;
  const rest = existsSync(lockOf(directory))
    ? " What was left by a process that was killed while it made a store there can be deleted."
    : "";
  throw new DramatisError(
    "store-failed",
    `The folder ${directory} is not a store; name an empty or a new folder: --store <directory>.${rest}`,
  );
}

async function openPglite(directory: string, { archive, mustExist }: EngineOptions): Promise<Engine> {
  const stats = statSync(directory, { throwIfNoEntry: false });
  if (stats !== undefined && !stats.isDirectory()) {
    throw new DramatisError(
      "store-failed",
      `The store ${directory} is a file. Name a directory: --store <directory>.`,
    );
  }
  if (mustExist && contentOf(directory) !== "store") throw noStoreAt(directory);
  let lock: DirectoryLock | undefined;
  try {
    // A lock leaves a file behind; but where there is one, a store may just be made.
    if (!existsSync(lockOf(directory))) refuseOther(directory);
    lock = lockDirectory(directory);
    refuseOther(directory);
    makeFolders(directory, 0o700);
    checkRoom(directory);
    const [{ PGlite }, { createPgConfig }, { default: pg }] = await Promise.all([
      import("@electric-sql/pglite"),
      import("@electric-sql/pglite/node-postgres"),
      import("pg"),
    ]);
    // It opens no link.
    const database = await PGlite.create(realPlace(directory), {
      startParams: [...PGlite.defaultStartParams, "-B", String(SHARED_BUFFERS)],
      ...(archive === undefined ? {} : { loadDataDir: archive }),
    });
    const config = createPgConfig(database) as unknown as pg.PoolConfig;
    // The one connection stays open: the engine is this process.
    const pool = new pg.Pool({
      ...config,
      ...{ connection: (config as { connection?: unknown }).connection },
      max: 1,
      idleTimeoutMillis: 0,
      connectionTimeoutMillis: CONNECTION_TIMEOUT_MS,
      types: typesOf(pg),
    } as pg.PoolConfig);
    guardRoom(pool, directory);
    const held = lock;
    return {
      name: "pglite",
      checkRoom: () => checkRoom(directory),
      pool,
      place: directory,
      async dump() {
        await database.exec("checkpoint");
        return await database.dumpDataDir("gzip");
      },
      async close() {
        await pool.end();
        await database.close();
        held.release();
      },
    };
  } catch (error) {
    lock?.release();
    if (error instanceof DramatisError) throw error;
    const hint = existsSync(join(directory, "PG_VERSION"))
      ? "If its files are damaged, put a backup back: dramatis store restore <file>."
      : "Check that the directory can be written to and the disk has room.";
    throw new DramatisError(
      "store-failed",
      `The store ${directory} cannot be opened: ${reason(error)}. ${hint}`,
      {
        cause: error,
      },
    );
  }
}

async function openPostgres(url: string, { poolSize = POOL_SIZE }: EngineOptions): Promise<Engine> {
  const { default: pg } = await import("pg");
  const pool = new pg.Pool({
    connectionString: url,
    // A migration holds one for its lock while it uses another.
    max: Math.max(2, poolSize),
    connectionTimeoutMillis: CONNECTION_TIMEOUT_MS,
    keepAlive: true,
    // A process that was stopped in the middle of a transaction must not keep others out for ever.
    idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_MS,
    application_name: "dramatis",
    types: typesOf(pg),
  });
  // An idle client whose server went away; whoever asks next gets a new one, or the error.
  pool.on("error", () => undefined);
  try {
    await pool.query("select 1");
  } catch (error) {
    await pool.end();
    if (error instanceof TypeError && "code" in error && error.code === "ERR_INVALID_URL") {
      throw new DramatisError(
        "invalid-argument",
        "The store's address: expected postgres://user:password@host/database, got none that can be read as one. In user and password, write characters like @ : / ? # % in percent-encoding: # is %23.",
      );
    }
    throw new DramatisError(
      "store-failed",
      `The store at ${placeOf(url)} cannot be reached: ${reason(error)}. Check the address, user and password of --store or DRAMATIS_STORE.`,
      { cause: error },
    );
  }
  return { name: "postgres", pool, place: placeOf(url), close: () => pool.end() };
}

export interface EngineOptions {
  /** Connections at most; Postgres only. Default 10. */
  poolSize?: number | undefined;
  /** Makes a new embedded store of it. */
  archive?: Blob | undefined;
  /** True: a directory without a store stays as it is; whether a server has one, its tables tell. */
  mustExist?: boolean | undefined;
}

export const openEngine = (address: Address, options: EngineOptions = {}): Promise<Engine> =>
  address.engine === "pglite" ? openPglite(address.directory, options) : openPostgres(address.url, options);
