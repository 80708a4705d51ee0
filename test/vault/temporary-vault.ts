/** A folder for vaults that is deleted after the tests of the file. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";

/** A function that makes a new folder, mode 0700, at each call. */
export function temporaryFolders(): () => string {
  const root = mkdtempSync(join(tmpdir(), "dramatis-vault-"));
  let count = 0;
  afterAll(() => rmSync(root, { recursive: true, force: true }));
  return () => {
    const folder = join(root, String(++count));
    mkdirSync(folder);
    chmodSync(folder, 0o700);
    return folder;
  };
}
