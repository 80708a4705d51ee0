import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { formatProblem } from "../../src/domain/errors.ts";
import type { Parsed } from "../../src/domain/problem-words.ts";
import { readFolder, readText } from "../../src/scenario/text-file.ts";
import { folderWith } from "./temporary-folder.ts";

const linesOf = (parsed: Parsed<unknown>, folder: string) =>
  parsed.ok ? [] : parsed.problems.map((problem) => formatProblem(problem).replace(`${folder}/`, ""));

describe("readText", () => {
  it("names files of nearly that name when there is none", () => {
    const folder = folderWith({ "ada.yaml": "", "grace.yaml": "" });
    expect(linesOf(readText(join(folder, "ada.yml")), folder)).toEqual([
      "ada.yml: expected a file, got nothing (did you mean ada.yaml?)",
    ]);
  });

  it("says so when the file is a folder, lies in a file, or in no folder at all", () => {
    const folder = folderWith({ "ada.yaml": "" });
    mkdirSync(join(folder, "inner"));
    expect(linesOf(readText(join(folder, "inner")), folder)).toEqual([
      "inner: expected a file, got a folder",
    ]);
    expect(linesOf(readText(join(folder, "ada.yaml", "x")), folder)).toEqual([
      "ada.yaml/x: expected a file, got a file in its place",
    ]);
    expect(linesOf(readText(join(folder, "none", "x")), folder)).toEqual([
      "none/x: expected a file, got nothing (check the path)",
    ]);
  });

  it("says so when the file is a link to nothing, and does not suggest that link", () => {
    const folder = folderWith({ "ada.yaml": "" });
    symlinkSync("nowhere", join(folder, "link.yaml"));
    expect(linesOf(readText(join(folder, "link.yaml")), folder)).toEqual([
      "link.yaml: expected a file, got a link to nothing",
    ]);
  });

  it("refuses what is neither file nor folder without reading it", () => {
    expect(linesOf(readText("/dev/zero"), "/dev")).toEqual(["zero: expected a file, got a device or a pipe"]);
  });

  it("refuses a file above one megabyte", () => {
    const folder = folderWith({ "big.yaml": "#".repeat(1_000_001) });
    expect(linesOf(readText(join(folder, "big.yaml")), folder)).toEqual([
      "big.yaml: expected at most 1000000 bytes, got 1000001 bytes",
    ]);
  });
});

describe("readFolder", () => {
  it("leaves hidden entries out and sorts by code units", () => {
    const folder = folderWith({ ".hidden": "", "b.md": "", "a.md": "", "C.md": "" });
    const entries = readFolder(folder);
    expect(entries.ok && entries.value.map(({ name }) => name)).toEqual(["C.md", "a.md", "b.md"]);
  });
});
