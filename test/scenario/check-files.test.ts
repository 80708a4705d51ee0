import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { formatProblem } from "../../src/domain/errors.ts";
import { parseYaml } from "../../src/domain/schema-check.ts";
import { checkFiles, type FileKind } from "../../src/scenario/check-files.ts";
import { folderWith } from "./temporary-folder.ts";

const fixtures = join(import.meta.dirname, "fixtures");
const price = z.strictObject({ currency: z.string(), amount: z.number() });
const prices: FileKind = { schema: price, parse: (text, file) => parseYaml(price, text, file) };
const linesOf = (files: string[], kinds?: Record<string, FileKind>) =>
  checkFiles(files, kinds).map((problem) => formatProblem(problem).replace(/^\/.*?([^/:]+)(?=:)/, "$1"));

describe("checkFiles", () => {
  it("finds nothing wrong with good files and folders", () => {
    const files = [
      "personas",
      "knowledge",
      "scenarios/good.yaml",
      "personas/ada.yaml",
      "knowledge/technical/queues.md",
    ];
    expect(checkFiles(files.map((file) => join(fixtures, file)))).toEqual([]);
  });

  it("recognises a kind that was added, by its keys", () => {
    const folder = folderWith({ "a.yaml": "currency: 3\namount: 1\n" });
    expect(linesOf([join(folder, "a.yaml")], { prices })).toEqual([
      "a.yaml:1:11 currency: expected text, got number 3 (put it in quotes)",
    ]);
  });

  it("believes the file's own $schema comment before its keys", () => {
    const comment = "# yaml-language-server: $schema=../schemas/prices.schema.json\n";
    const folder = folderWith({ "a.yaml": `${comment}name: A\nrole: B\n` });
    expect(linesOf([join(folder, "a.yaml")], { prices }).slice(-1)).toEqual([
      'a.yaml:3:1 role: expected a known key, got "role" (known: currency, amount)',
    ]);
  });

  it("knows no kind by the names that every object has", () => {
    const folder = folderWith({
      "a.yaml": "# yaml-language-server: $schema=constructor.schema.json\nx: 1\n",
    });
    expect(linesOf([join(folder, "a.yaml")])).toEqual([
      "a.yaml: expected the keys of a persona or scenario, got none of them",
    ]);
  });

  it("looks into a project's folders, and takes no category of knowledge for one", () => {
    const folder = folderWith({ "mine/personas/a.yaml": "name: A\nrole: 3\n" });
    expect(linesOf([join(folder, "mine")])).toContain(
      "a.yaml:2:7 role: expected text, got number 3 (put it in quotes)",
    );
    const text = readFileSync(join(fixtures, "knowledge/technical/queues.md"), "utf8");
    const knowledge = folderWith({ "personas/queues.md": text });
    expect(linesOf([knowledge])).toEqual([]);
  });

  it("says what it knows when it recognises nothing", () => {
    const folder = folderWith({ "a.yaml": "x: 1\n", "b.txt": "", "c.yaml": "x: [\n" });
    expect(linesOf(["a.yaml", "b.txt", "c.yaml", "d.yaml"].map((file) => join(folder, file)))).toEqual([
      "a.yaml: expected the keys of a persona or scenario, got none of them",
      'b.txt: expected a file *.yaml, *.yml or *.md, got "b.txt"',
      expect.stringContaining("c.yaml:2:1: expected valid YAML"),
      "d.yaml: expected a file, got nothing (did you mean a.yaml or c.yaml?)",
    ]);
  });

  it("reports a problem once that two of the files lead to", () => {
    const folder = folderWith({
      "scenarios/good.yaml": readFileSync(join(fixtures, "scenarios/good.yaml"), "utf8").replace(
        /knowledge.*\n/,
        "",
      ),
      "personas/ada.yaml": readFileSync(join(fixtures, "personas/ada.yaml"), "utf8").replace("patient", '""'),
      "personas/linus.yaml": readFileSync(join(fixtures, "personas/linus.yaml"), "utf8"),
    });
    expect(linesOf([join(folder, "personas"), join(folder, "scenarios")])).toEqual([
      "ada.yaml:7:12 personality.traits[0]: expected text, got empty text",
    ]);
  });
});
