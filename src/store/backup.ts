/** A copy of an embedded store in one file, and a store made from such a file. */
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { DramatisError, messageOf } from "../domain/errors.ts";
import { writeWholeFile } from "../files/whole-file.ts";
import { addressOf, openEngine } from "./engine.ts";
import { openStore, type Store } from "./store.ts";

function noBackupOf(place: string): DramatisError {
  return new DramatisError(
    "invalid-argument",
    `The store ${place} is on a server: expected an embedded one. Use the tools of PostgreSQL: pg_dump --format=custom, and pg_restore; or dramatis store move into a directory.`,
  );
}

/**
 * Writes a copy of an embedded store, as it is now, to a new file that its owner alone may read.
 * @returns the file's size in bytes
 * @throws DramatisError `invalid-argument` for a store on a server, or where the file is there already; `write-failed`
 */
export async function backUp(store: Store, file: string): Promise<number> {
  if (store.engine !== "pglite") throw noBackupOf(store.place);
  if (existsSync(file)) {
    throw new DramatisError(
      "invalid-argument",
      `The file ${file} is there already. Name a new one for the backup.`,
    );
  }
  const archive = await store.dump();
  if (archive === undefined) throw noBackupOf(store.place);
  const bytes = new Uint8Array(await archive.arrayBuffer());
  try {
    writeWholeFile(file, bytes);
  } catch (error) {
    throw new DramatisError(
      "write-failed",
      `The backup ${file} cannot be written: ${messageOf(error)}. Name a file in a folder that can be written to, on a disk with room.`,
      { cause: error },
    );
  }
  return bytes.length;
}

const GZIP = [0x1f, 0x8b];

function readBackup(file: string): Blob {
  let bytes: Buffer<ArrayBuffer>;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    throw new DramatisError("invalid-argument", `The backup ${file} cannot be read: ${messageOf(error)}.`, {
      cause: error,
    });
  }
  const isBackup = GZIP.every((byte, place) => bytes[place] === byte);
  try {
    // Its checksum tells whether all of it is there; the engine itself does not notice in time.
    if (isBackup) return new Blob([gunzipSync(bytes)], { type: "application/x-tar" });
  } catch (error) {
    throw new DramatisError(
      "invalid-argument",
      `The backup ${file} is damaged or not whole: ${messageOf(error)}. Use another one.`,
      { cause: error },
    );
  }
  throw new DramatisError(
    "invalid-argument",
    `The file ${file} is no backup of a store: expected what dramatis store backup wrote.`,
  );
}

const filesIn = (directory: string) => (existsSync(directory) ? readdirSync(directory) : []);

/**
 * Makes an embedded store of a backup, in a place where there is none.
 * @returns the store, open
 * @throws DramatisError `invalid-argument` when the place is not an empty directory, or the file is no backup
 */
export async function restoreInto(address: string, file: string): Promise<Store> {
  const place = addressOf(address);
  if (place.engine !== "pglite") {
    throw new DramatisError(
      "invalid-argument",
      "A backup becomes an embedded store: expected a directory, got the address of a server. Restore it into a new directory, and then: dramatis store move <directory> <postgres://…>",
    );
  }
  const { directory } = place;
  if (filesIn(directory).length > 0) {
    throw new DramatisError(
      "invalid-argument",
      `${directory} is not empty: expected a new or empty directory to restore into. Nothing was changed. Name another one, or move this one away first.`,
    );
  }
  const archive = readBackup(file);
  try {
    const engine = await openEngine(place, { archive });
    await engine.close();
    return await openStore(address);
  } catch (error) {
    // It was empty before: what is there now is half a store.
    for (const name of filesIn(directory)) rmSync(`${directory}/${name}`, { recursive: true, force: true });
    throw new DramatisError(
      "store-failed",
      `The backup ${file} cannot be restored: ${messageOf(error)} Nothing was kept in ${directory}.`,
      { cause: error },
    );
  }
}
