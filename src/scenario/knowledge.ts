/** Loads a knowledge base: a folder of Markdown documents, each split into passages. */
import { type Dirent, realpathSync, statSync } from "node:fs";
import { basename, dirname, extname, join, relative, sep } from "node:path";
import type { Problem } from "../domain/errors.ts";
import { documentHeadSchema, type Passage } from "../domain/knowledge.ts";
import { SLUG_PATTERN } from "../domain/persona.ts";
import { MAX_PROBLEMS, type Parsed } from "../domain/problem-words.ts";
import { check } from "../domain/schema-check.ts";
import { readYaml } from "../domain/yaml-source.ts";
import { createFileScreening, screenBody, screenSource } from "../guard/source-screening.ts";
import { splitMarkdown } from "./passages.ts";
import { compareText, readFolder, readText, refused, valueOrThrow } from "./text-file.ts";

/** More files, or folders, than this: the folder is no knowledge base but one that somewhere holds one. */
const MAX_DOCUMENTS = 1_000;
/** Levels of sub-folders. */
const MAX_DEPTH = 8;

/**
 * Loads every document (`*.md`) of a folder and its sub-folders, in the order of their paths: at most 1,000, at most 8
 * levels down. A document's category is in its front matter, or else the name of the sub-folder it is in.
 * @throws InvalidFilesError with every problem of all documents.
 */
export function loadKnowledge(folder: string): Passage[] {
  return valueOrThrow(readKnowledge(folder));
}

/** The passages of a folder, or every problem of it. */
export function readKnowledge(folder: string, screening = createFileScreening()): Parsed<Passage[]> {
  const files = documentsOf(folder);
  if (!files.ok) return files;
  const passages: Passage[] = [];
  const problems: Problem[] = [];
  const fileOf = new Map<string, string>();
  for (const file of files.value) {
    if (problems.length >= MAX_PROBLEMS) break;
    const stem = basename(file, ".md");
    const earlier = fileOf.get(stem);
    if (earlier) {
      const expected = "a name that no other document of the knowledge base has";
      problems.push({ file, path: "", expected, got: `"${stem}.md", as ${earlier}` });
    }
    fileOf.set(stem, file);
    const isInRoot = dirname(file) === join(folder);
    const category = isInRoot ? undefined : basename(dirname(file));
    const document = readDocument(file, category, screening);
    if (document.ok) passages.push(...document.value);
    else problems.push(...document.problems);
  }
  return problems.length > 0 ? { ok: false, problems } : { ok: true, value: passages };
}

/** The passages of one document. `category` is the one it has unless its front matter gives another. */
export function readDocument(
  file: string,
  category: string | undefined,
  screening = createFileScreening(),
): Parsed<Passage[]> {
  const text = readText(file);
  return text.ok ? parseDocument(text.value, file, category, screening) : text;
}

export function parseDocument(
  text: string,
  file: string,
  folderCategory?: string,
  screening = createFileScreening(),
): Parsed<Passage[]> {
  const stem = basename(file, extname(file));
  const problems: Problem[] = [];
  const expect = (expected: string, got: string, hint?: string) =>
    problems.push({ file, path: "", expected, got, ...(hint ? { hint } : {}) });

  const front = /^---[ \t]*\r?\n(?:([\s\S]*?)\n)??---[ \t]*(?:\r?\n|$)/.exec(text);
  if (!front && /^---[ \t]*\r?\n/.test(text)) expect("a line `---` after the front matter", "none");
  const headText = front?.[1]?.trim() ? front[1] : "{}";
  // The empty first line stands for the `---`, so that the problems' lines are those of the file.
  const screened = screenSource(readYaml(`\n${headText}`, file), screening);
  const head = check(documentHeadSchema, screened.source);
  if (!head.ok) problems.push(...head.problems);
  const { title, category, personas }: DocumentHead = head.ok ? head.value : {};

  const bodyStart = front?.[0].length ?? 0;
  const line = text.slice(0, bodyStart).split("\n").length;
  const plain = screenBody(text.slice(bodyStart), { file, line, screening });
  problems.push(...screened.problems, ...plain.problems);
  const body = splitMarkdown(plain.text);
  const documentTitle = title ?? body.heading;
  const documentCategory = category ?? folderCategory;
  if (!SLUG_PATTERN.test(stem)) expect("a file named in lower-case letters, digits and hyphens", `"${stem}"`);
  if (body.passages.length === 0) expect("text to cite", "an empty document");
  else if (documentTitle === undefined) expect("a title", "nothing", "begin with a heading: `# Title`");
  if (head.ok && documentCategory === undefined) {
    expect("a category", "nothing", "put the file in a sub-folder or write `category:` in its front matter");
  } else if (documentCategory !== undefined && !SLUG_PATTERN.test(documentCategory)) {
    expect("a folder named in lower-case letters, digits and hyphens", `"${documentCategory}"`);
  }
  if (problems.length > 0 || documentTitle === undefined || documentCategory === undefined) {
    return { ok: false, problems };
  }
  const value = body.passages.map(({ headings, text: passage }, index) => ({
    id: `${stem}#${index + 1}`,
    title: passageTitle(documentTitle, headings),
    category: documentCategory,
    text: passage,
    ...(personas ? { personas } : {}),
  }));
  return { ok: true, value };
}

/** `Document: Section; Section`. */
function passageTitle(documentTitle: string, headings: readonly string[]): string {
  const sections = headings.filter((heading) => heading !== documentTitle).join("; ");
  if (sections === "") return documentTitle;
  return `${documentTitle}${/[?!.]$/.test(documentTitle) ? "" : ":"} ${sections}`;
}

type DocumentHead = ReturnType<typeof documentHeadSchema.parse>;

/** Paths of all documents; everything in the folder that is none is a problem, so that nothing is left out silently. */
function documentsOf(root: string): Parsed<string[]> {
  const top = readFolder(root);
  if (!top.ok) return top;
  const realRoot = realpathSync(root);
  const files: string[] = [];
  const problems: Problem[] = [];
  let fileCount = 0;
  let folderCount = 0;
  const isTooLarge = () => Math.max(fileCount, folderCount) > MAX_DOCUMENTS;
  const visit = (folder: string, entries: readonly Dirent[], depth: number) => {
    for (const entry of entries) {
      if (entry.isDirectory()) folderCount += 1;
      else fileCount += 1;
      if (isTooLarge()) return;
      const file = join(folder, entry.name);
      const refuse = (expected: string, got: string) => problems.push({ file, path: "", expected, got });
      if (entry.isDirectory()) {
        const inner = depth < MAX_DEPTH ? readFolder(file) : undefined;
        if (inner === undefined) refuse(`at most ${MAX_DEPTH} levels of sub-folders`, "one more");
        else if (inner.ok) visit(file, inner.value, depth + 1);
        else problems.push(...inner.problems);
      } else if (entry.isSymbolicLink() && !leadsToFileIn(realRoot, file)) {
        refuse("a link to a document in this knowledge base", "a link that leads elsewhere");
      } else if (extname(entry.name) !== ".md") refuse("a Markdown document (*.md)", `"${entry.name}"`);
      else files.push(file);
    }
  };
  visit(root, top.value, 0);
  if (isTooLarge()) {
    const expected = `a knowledge base of at most ${MAX_DOCUMENTS} documents and as many sub-folders`;
    const hint = "name the folder that holds the documents and nothing else";
    return refused({ file: root, path: "", expected, got: "more", hint });
  }
  if (problems.length > 0) return { ok: false, problems };
  if (files.length === 0) {
    return refused({ file: root, path: "", expected: "at least one document (*.md)", got: "none" });
  }
  return { ok: true, value: files.sort(compareText) };
}

/** A link may point to another file of the folder, to nothing else: not out of it, not to a folder. */
function leadsToFileIn(realRoot: string, link: string): boolean {
  try {
    const target = relative(realRoot, realpathSync(link));
    return target !== ".." && !target.startsWith(`..${sep}`) && statSync(link).isFile();
  } catch {
    return false; // it leads nowhere
  }
}
