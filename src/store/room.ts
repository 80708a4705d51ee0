/** Room on the disk of an embedded store. */
import { statfsSync } from "node:fs";
import { DramatisError, messageOf } from "../domain/errors.ts";

/**
 * The embedded engine does not come back from a log that it cannot write: statements wait for ever, and the directory opens
 * only when there is room for the next log file of 16 MB. So the store stops before that, with room for two such files, and
 * as much again for what one statement writes.
 */
const RESERVE_BYTES = 64 * 2 ** 20;

function freeBytes(directory: string): number {
  try {
    const { bavail, bsize } = statfsSync(directory);
    return bavail * bsize;
  } catch (error) {
    throw new DramatisError(
      "store-failed",
      `The directory of the store ${directory} is gone: ${messageOf(error)}. Put it back, or a backup of it: dramatis store restore <file>.`,
      { cause: error },
    );
  }
}

/** @throws DramatisError `store-failed` when the disk is as good as full; nothing was written. */
export function checkRoom(directory: string): void {
  const free = freeBytes(directory);
  if (free >= RESERVE_BYTES) return;
  throw new DramatisError(
    "store-failed",
    `The store ${directory} has no room: expected ${RESERVE_BYTES / 2 ** 20} MB free on its disk, got ${Math.floor(free / 2 ** 20)} MB. Nothing of this change was written; what was there before is whole. Make room, or move the store: dramatis store move.`,
  );
}
