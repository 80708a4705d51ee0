/** Keeps a second process out of a directory: two on one embedded database silently lose rows of each other. */
import { existsSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { basename, dirname, join } from "node:path";
import type * as Sqlite from "node:sqlite";
import { DramatisError } from "../domain/errors.ts";
import { makeFolders } from "../files/make-folder.ts";

export interface DirectoryLock {
  release(): void;
}

const isBusy = (error: unknown) =>
  error instanceof Error && "errcode" in error && (error.errcode === 5 || error.errcode === 261);

/** One name for one directory, by whichever links it was reached; it need not be there yet. */
export function realPlace(path: string): string {
  if (existsSync(path)) return realpathSync(path);
  const folder = dirname(path);
  return folder === path ? path : join(realPlace(folder), basename(path));
}

/** The file that is locked; it stays when the lock is released, as another process may have it open by then. */
export const lockOf = (directory: string): string => `${realPlace(directory)}.lock`;

/** Who says to hold a directory; only for people to read. */
function holderOf(place: string): string {
  try {
    return readFileSync(`${place}.holder`, "utf8").trim().slice(0, 200);
  } catch {
    return "another process";
  }
}

/** Loaded only by whoever opens an embedded store: Node 22.12 has it behind a flag. */
function sqlite(): typeof Sqlite {
  // Undefined where this Node does not have it.
  const found = process.getBuiltinModule("node:sqlite") as typeof Sqlite | undefined;
  if (found !== undefined) return found;
  throw new DramatisError(
    "store-failed",
    `An embedded store needs Node 22.13 or newer, got ${process.version}. Update Node, or use --store postgres://…`,
  );
}

/**
 * Locks a directory for this process. The system frees the lock when the process ends, however it ends.
 * @throws DramatisError `store-busy` when another process holds it; it says which.
 */
export function lockDirectory(directory: string): DirectoryLock {
  const place = realPlace(directory);
  const file = lockOf(place);
  const holder = `${place}.holder`;
  makeFolders(dirname(file), 0o700);
  const { DatabaseSync } = sqlite();
  const database = new DatabaseSync(file, { timeout: 0 });
  try {
    database.exec("BEGIN EXCLUSIVE");
  } catch (error) {
    database.close();
    if (!isBusy(error)) throw error;
    throw new DramatisError(
      "store-busy",
      `The store ${directory} is in use by ${holderOf(place)}. Wait until it ends, or name another store: --store <directory or postgres://…>. Many processes at once need Postgres.`,
      { cause: error },
    );
  }
  writeFileSync(holder, `process ${process.pid} on ${hostname()}, since ${new Date().toISOString()}\n`, {
    mode: 0o600,
  });
  return {
    release() {
      rmSync(holder, { force: true });
      database.close();
    },
  };
}
