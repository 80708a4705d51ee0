import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { makeFolders } from "../../src/files/make-folder.ts";

const root = mkdtempSync(join(tmpdir(), "dramatis-folders-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

describe("makeFolders", () => {
  it("makes those it lies in, with the mode, and leaves what is there", () => {
    mkdirSync(join(root, "old"), { mode: 0o755 });
    makeFolders(join(root, "old/a/b"), 0o700);
    makeFolders(join(root, "old/a/b"), 0o755);
    const modes = ["old", "old/a", "old/a/b"].map((name) => statSync(join(root, name)).mode & 0o777);
    expect(modes).toEqual([0o755, 0o700, 0o700]);
  });

  it("says so when a file stands in the way", () => {
    writeFileSync(join(root, "file"), "");
    expect(() => makeFolders(join(root, "file/a"))).toThrow(/EEXIST.*file'$/);
    expect(() => makeFolders(join(root, "file"))).toThrow(/EEXIST/);
  });

  it.runIf(existsSync("/proc/self"))("ends where the file system takes no folder", () => {
    expect(() => makeFolders("/proc/none/a")).toThrow(/ENOENT/);
  });
});
