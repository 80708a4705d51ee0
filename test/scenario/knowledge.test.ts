import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { formatProblem } from "../../src/domain/errors.ts";
import { loadKnowledge, parseDocument, readKnowledge } from "../../src/scenario/knowledge.ts";
import { folderWith } from "./temporary-folder.ts";

const text = "A cache keeps what was computed once.";
const linesOf = (folder: string) => {
  const parsed = readKnowledge(folder);
  return parsed.ok
    ? []
    : parsed.problems.map((problem) => formatProblem(problem).replaceAll(`${folder}/`, ""));
};

describe("loadKnowledge", () => {
  it("gives passages in the order of their paths, with the sub-folder as category", () => {
    const folder = folderWith({
      "technical/b.md": `# B\n\n${text}\n`,
      "technical/a.md": `# A\n\n${text}\n`,
      "business/z.md": `# Z\n\n${text}\n`,
    });
    expect(loadKnowledge(folder)).toEqual([
      { id: "z#1", title: "Z", category: "business", text },
      { id: "a#1", title: "A", category: "technical", text },
      { id: "b#1", title: "B", category: "technical", text },
    ]);
  });

  it("lets front matter give title, category and the personas who may find it", () => {
    const head = "---\ntitle: Prices\ncategory: money\npersonas: [ada]\n---\n";
    expect(loadKnowledge(folderWith({ "business/p.md": `${head}\n## Now\n\n${text}\n` }))).toEqual([
      { id: "p#1", title: "Prices: Now", category: "money", text, personas: ["ada"] },
    ]);
  });

  it("numbers the passages of a document from 1", () => {
    const long = Array(5)
      .fill(`${"word ".repeat(100)}end.`)
      .join("\n\n");
    const ids = loadKnowledge(folderWith({ "t/doc.md": `# Doc\n\n${long}\n` })).map(({ id }) => id);
    expect(ids).toEqual(["doc#1", "doc#2", "doc#3", "doc#4", "doc#5"]);
  });

  it("reports everything wrong in the folder at once", () => {
    const folder = folderWith({
      "loose.md": `# Loose\n\n${text}\n`,
      "technical/Bad Name.md": `# Bad\n\n${text}\n`,
      "technical/empty.md": "# Empty\n",
      "technical/open.md": `---\ntitle: Open\n\n${text}\n`,
      "technical/same.md": `# Same\n\n${text}\n`,
      "business/same.md": `# Same\n\n${text}\n`,
      "technical/head.md": `---\ntitel: Head\n---\n# H\n\n${text}\n`,
      "technical/untitled.md": `${text}\n`,
    });
    expect(linesOf(folder)).toEqual([
      "loose.md: expected a category, got nothing (put the file in a sub-folder or write `category:` in its front matter)",
      'technical/Bad Name.md: expected a file named in lower-case letters, digits and hyphens, got "Bad Name"',
      "technical/empty.md: expected text to cite, got an empty document",
      'technical/head.md:2:1 titel: expected a known key, got "titel" (did you mean title?)',
      "technical/open.md: expected a line `---` after the front matter, got none",
      "technical/open.md: expected a title, got nothing (begin with a heading: `# Title`)",
      'technical/same.md: expected a name that no other document of the knowledge base has, got "same.md", as business/same.md',
      "technical/untitled.md: expected a title, got nothing (begin with a heading: `# Title`)",
    ]);
  });

  it("leaves nothing out silently: what is no Markdown is a problem, hidden files are not", () => {
    const folder = folderWith({
      "technical/a.md": `# A\n\n${text}\n`,
      "technical/b.txt": "",
      "technical/.keep": "",
    });
    expect(linesOf(folder)).toEqual(['technical/b.txt: expected a Markdown document (*.md), got "b.txt"']);
  });

  it("follows links to documents inside the folder only", () => {
    const outside = folderWith({ "secret.md": "# Secret\n\nNot for you.\n" });
    const folder = folderWith({ "technical/a.md": `# A\n\n${text}\n` });
    mkdirSync(join(folder, "business"));
    symlinkSync(join(folder, "technical", "a.md"), join(folder, "business", "inside.md"));
    expect(loadKnowledge(folder).map(({ id }) => id)).toEqual(["inside#1", "a#1"]);
    symlinkSync(join(outside, "secret.md"), join(folder, "business", "outside.md"));
    symlinkSync(outside, join(folder, "creative"));
    symlinkSync(folder, join(folder, "business", "loop"));
    symlinkSync(join(folder, "nowhere.md"), join(folder, "business", "broken.md"));
    const words = "expected a link to a document in this knowledge base, got a link that leads elsewhere";
    expect(linesOf(folder)).toEqual([
      `business/broken.md: ${words}`,
      `business/loop: ${words}`,
      `business/outside.md: ${words}`,
      `creative: ${words}`,
    ]);
  });

  it("takes 1,000 documents and says at the next that it will not take more, whatever the files are", () => {
    const many = Array.from({ length: 1_000 }, (_, index) => [`t/d${index}.md`, `# D\n\n${text}\n`]);
    const folder = folderWith(Object.fromEntries(many));
    expect(loadKnowledge(folder)).toHaveLength(1_000);
    writeFileSync(join(folder, "t/one-more.txt"), "");
    expect(linesOf(folder)).toEqual([
      `${folder}: expected a knowledge base of at most 1000 documents and as many sub-folders, got more (name the folder that holds the documents and nothing else)`,
    ]);
  });

  it("takes 8 levels of sub-folders and goes no deeper", () => {
    const folder = folderWith({ "a/b/c/d/e/f/g/h/deep.md": `# Deep\n\n${text}\n` });
    expect(loadKnowledge(folder)).toMatchObject([{ id: "deep#1", category: "h" }]);
    mkdirSync(join(folder, "a/b/c/d/e/f/g/h/i"));
    expect(linesOf(folder)).toEqual([
      "a/b/c/d/e/f/g/h/i: expected at most 8 levels of sub-folders, got one more",
    ]);
  });

  it("reports a bounded number of mistakes, however many the documents hold", () => {
    const head = Array.from({ length: 900 }, (_, index) => `k${index}: 1`).join("\n");
    const documents = Array.from({ length: 20 }, (_, index) => [
      `t/d${index}.md`,
      `---\n${head}\n---\n# D\n`,
    ]);
    const lines = linesOf(folderWith(Object.fromEntries(documents)));
    expect(lines.length).toBeGreaterThan(900);
    expect(lines.length).toBeLessThan(2_100);
  });

  it("refuses an empty folder", () => {
    expect(linesOf(folderWith({}))).toEqual([
      expect.stringContaining("expected at least one document (*.md), got none"),
    ]);
  });
});

describe("parseDocument", () => {
  it("reads front matter with Windows line ends and a rule further down that is no front matter", () => {
    const parsed = parseDocument(
      `---\r\ntitle: A\r\n---\r\n\r\n${text}\r\n\r\n---\r\n\r\nMore.\r\n`,
      "a.md",
      "technical",
    );
    expect(parsed.ok && parsed.value[0]).toMatchObject({ title: "A" });
    expect(parsed.ok && parsed.value[0]?.text).toContain("More.");
  });

  it("takes empty front matter for none", () => {
    expect(parseDocument(`---\n---\n# A\n\n${text}\n\n---\n\nMore.\n`, "a.md", "technical").ok).toBe(true);
  });
});
