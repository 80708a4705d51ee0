/** Makes a folder and those it lies in, in a time that ends. */
import { mkdirSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";

const isFolder = (path: string) => statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;

/**
 * Node's own `recursive` never comes back where a file system says that a folder's parent is missing although it is
 * there, as /proc does. Folders that are there stay as they are.
 *
 * @throws what the file system says
 */
export function makeFolders(folder: string, mode?: number): void {
  makeAbsolute(resolve(folder), mode);
}

function makeAbsolute(folder: string, mode: number | undefined): void {
  if (isFolder(folder)) return;
  if (dirname(folder) !== folder) makeAbsolute(dirname(folder), mode);
  try {
    mkdirSync(folder, { mode });
  } catch (error) {
    if (!isFolder(folder)) throw error; // Another process may have made it meanwhile.
  }
}
