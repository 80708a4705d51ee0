/** Files made to take long. Whatever is in them, time grows with their size, not with its square. */
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { catalogFileKind } from "../../src/catalog/catalog.ts";
import { checkFiles } from "../../src/scenario/check-files.ts";
import { folderWith } from "./temporary-folder.ts";

const CHARACTERS = 300_000;
/** For a machine that has much else to do; all of them together take a few seconds. */
const TIMEOUT_MS = 8_000;

const fill = (head: string, line: (index: number) => string): string => {
  const count = Math.floor((CHARACTERS - head.length) / line(99_999).length);
  return head + Array.from({ length: count }, (_, index) => line(index)).join("");
};
const scenario = "id: a\ntitle: T\ntopic: T\nopening: O\nendings: [maxTurns: 3]\n";
const model = (index: number) => `  m${index}: { contextWindow: 1, maxOutput: 1 }\n`;
const rule = (index: number) => `  - use: gpt-${index}\n`;

describe("checkFiles", () => {
  it.each([
    ["unknown models in rules", "a.yaml", fill("selection:\n", rule)],
    [
      "unknown models among many",
      "a.yaml",
      `models:\n${Array.from({ length: 5_000 }, (_, index) => model(index)).join("")}${fill("selection:\n", rule)}`,
    ],
    ["unknown personas", "a.yaml", fill(`${scenario}cast:\n`, (index) => `  - nobody-${index}\n`)],
    ["one persona again and again", "a.yaml", fill(`${scenario}cast:\n`, () => "- a\n")],
    ["keys that stand twice", "a.yaml", fill(`${scenario}cast:\n`, () => "- { a: 1, a: 2 }\n")],
    ["aliases", "a.yaml", fill(`${scenario}cast:\n`, () => "- &x a\n- *x\n")],
    ["mappings as keys", "a.yaml", fill("id: ", () => "{")],
    ["a long unknown key", "a.yaml", `id: a\n? ${"k".repeat(CHARACTERS)}\n: 1\n`],
    ["a long schema name", "a.yaml", `# yaml-language-server: $schema=${"a".repeat(CHARACTERS)}\nid: 3\n`],
    ["a heading of signs", "a.md", `# ${"#".repeat(CHARACTERS)}x`],
  ])(
    "is done soon with %s",
    (_, name, text) => {
      const problems = checkFiles([join(folderWith({ [name]: text }), name)], { catalog: catalogFileKind });
      expect(problems.length).toBeGreaterThan(0);
      expect(problems.length).toBeLessThanOrEqual(2002);
    },
    TIMEOUT_MS,
  );
});
