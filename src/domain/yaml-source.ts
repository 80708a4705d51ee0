/** Reads YAML: the data, where each part of it stands, and what is wrong with the text itself. Pure. */
import * as yaml from "yaml";
import type { Problem } from "./errors.ts";
import { describe, MAX_PROBLEMS, type Parsed, type Path, pathText } from "./problem-words.ts";

/** Files of this product are written by hand; a larger one is a mistake (and would take long to parse). */
export const MAX_FILE_BYTES = 1_000_000;
/** Aliases of a document, and repeats that they may cause; more is an attack ("billion laughs"). */
const MAX_ALIASES = 100;
/** Keys that are lists or mappings are mistakes; the parser spells them out as text, nested ones again and again. */
const MAX_ODD_KEYS = 3;

/** A document that was read: its data, which may still be wrong, and where each part of it stands. */
export interface Source {
  file: string;
  data: unknown;
  /** Undefined: the value came from code. */
  text?: string | undefined;
  /** What is wrong with the text itself. */
  problems: readonly Problem[];
  /** From this line on the data cannot be trusted, because the text is damaged. */
  damagedFrom?: number | undefined;
  /** Position of the value at a path, or of its key; of the nearest parent when there is none. */
  locate(path: Path, part?: "value" | "key"): Pick<Problem, "line" | "column">;
}

/** The text of a file, or why it is none: too large, not UTF-8. A byte-order mark is dropped. */
export function decodeText(bytes: Uint8Array, file: string): Parsed<string> {
  const refuse = (words: Omit<Problem, "file" | "path">): Parsed<string> => {
    return { ok: false, problems: [{ file, path: "", ...words }] };
  };
  if (bytes.length > MAX_FILE_BYTES) {
    return refuse({ expected: `at most ${MAX_FILE_BYTES} bytes`, got: `${bytes.length} bytes` });
  }
  try {
    return { ok: true, value: new TextDecoder("utf-8", { fatal: true }).decode(bytes) };
  } catch {
    const before = new TextDecoder().decode(bytes).split("\uFFFD")[0] ?? "";
    const line = before.split("\n").length;
    return refuse({ line, expected: "UTF-8 text", got: "other bytes", hint: "save the file as UTF-8" });
  }
}

/** Errors after which the parser still understands the rest of the text. */
const HARMLESS = new Set(["TAB_AS_INDENT", "BAD_SCALAR_START", "BAD_DQ_ESCAPE", "TAG_RESOLVE_FAILED"]);

/** Better words than the parser's own for the mistakes people make most. */
const SYNTAX: Readonly<Record<string, Partial<Problem>>> = {
  TAB_AS_INDENT: { expected: "spaces as indentation", got: "a tab", hint: "replace it by spaces" },
  MULTIPLE_DOCS: { expected: "one document", got: "a second one", hint: "remove the line `---`" },
  BLOCK_AS_IMPLICIT_KEY: { hint: "put text that contains `: ` in quotes, or check the indentation" },
  BAD_SCALAR_START: { hint: "put text that starts with a special character in quotes" },
};

/** Reads YAML text; never throws. */
export function readYaml(text: string, file: string): Source {
  try {
    return readDocument(text.replace(/^\uFEFF/, ""), file);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error; // the stack is full: too many levels
    const problem = { file, path: "", expected: "fewer nested levels", got: "more than can be read" };
    return { ...readValue(undefined, file), text, problems: [problem], damagedFrom: 1 };
  }
}

/** The same for a value that came from code: there are no positions. */
export function readValue(data: unknown, file: string): Source {
  return { file, data, problems: [], locate: () => ({}) };
}

/** The parser makes an error object of each mistake; their stack traces, which nobody sees, cost most of its time. */
function withoutStackTraces<T>(work: () => T): T {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    return work();
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

function readDocument(text: string, file: string): Source {
  const lines = new yaml.LineCounter();
  const document = withoutStackTraces(() =>
    yaml.parseDocument(text, {
      lineCounter: lines,
      prettyErrors: false,
      logLevel: "error",
      stringKeys: true,
      uniqueKeys: false, // checked below: the parser's own check takes a minute on a large file
    }),
  );
  const place = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const start = (node: yaml.Node | null | undefined) => place(node?.range?.[0] ?? 0);

  const problems: Problem[] = [];
  let damagedFrom: number | undefined;
  const textLines = text.split("\n");
  const told = new Set<number>(); // one mistake often makes several errors on its line: the first says it best
  for (const { code, message, pos } of [...document.errors, ...document.warnings]) {
    const { line, column } = place(pos[0]);
    if (!HARMLESS.has(code)) damagedFrom = Math.min(line, damagedFrom ?? line);
    if (told.has(line) || problems.length >= MAX_PROBLEMS) continue;
    told.add(line);
    const got = describe(textLines[line - 1]?.trim() ?? "");
    const words = { expected: "valid YAML", got, hint: message, ...SYNTAX[code] };
    problems.push({ file, line, column, path: "", ...words });
  }

  const { pairs, targets, faults, oddKeys } = inspect(document);
  for (const { node, within, got, first } of faults.slice(0, MAX_PROBLEMS)) {
    const words = first
      ? { expected: "this key once", got, hint: `first on line ${start(first).line}` }
      : { expected: "an alias of an earlier value", got };
    problems.push({ file, ...start(node), path: pathText(pathOf(within)), ...words });
  }

  let data: unknown;
  const isSound = oddKeys <= MAX_ODD_KEYS && faults.every(({ first }) => first !== undefined);
  const bomb = { file, path: "", expected: `at most ${MAX_ALIASES} repeats by aliases`, got: "more" };
  if (targets.size > MAX_ALIASES) problems.push(bomb);
  else if (isSound) {
    try {
      data = document.toJS({ maxAliasCount: MAX_ALIASES });
    } catch (error) {
      if (!(error instanceof ReferenceError)) throw error;
      problems.push(bomb);
    }
  }
  if (data === undefined) damagedFrom = 1;

  const locate: Source["locate"] = (path, part = "value") => {
    let node: unknown = document.contents;
    let found = start(document.contents);
    for (const step of path) {
      node = targets.get(node) ?? node;
      const pair = pairs.get(node)?.get(String(step));
      const child = pair ?? (yaml.isSeq(node) ? node.items[Number(step)] : undefined);
      if (child === undefined) return found;
      node = pair ? pair.value : child;
      // A list or mapping begins on the line below its key, an empty value nowhere: the key is what people see.
      const isSeen = yaml.isAlias(node) || (yaml.isScalar(node) && node.value !== null);
      found = start((pair && (part === "key" || !isSeen) ? pair.key : node) as yaml.Node);
    }
    return found;
  };
  return { file, data, text, problems, damagedFrom, locate };
}

/** One walk over the tree: the pairs of each mapping by key, keys that stand twice, aliases that lead nowhere. */
function inspect(document: yaml.Document.Parsed) {
  const pairs = new Map<unknown, Map<string, yaml.Pair<yaml.Node>>>();
  const faults: { node: yaml.Node; within: readonly unknown[]; got: string; first?: yaml.Node }[] = [];
  const anchors = new Map<string, yaml.Node>();
  const targets = new Map<unknown, yaml.Node>();
  let oddKeys = 0;
  yaml.visit(document, {
    Value(_, node, ancestors) {
      if (node.anchor) anchors.set(node.anchor, node);
      if (!yaml.isMap(node)) return;
      const own = new Map<string, yaml.Pair<yaml.Node>>();
      for (const pair of node.items as yaml.Pair<yaml.Node>[]) {
        if (!yaml.isScalar(pair.key)) {
          oddKeys += 1;
          continue;
        }
        const first = own.get(keyText(pair))?.key;
        if (first)
          faults.push({ node: pair.key, within: [...ancestors, node, pair], got: "it again", first });
        own.set(keyText(pair), pair); // the last one counts, as in the data
      }
      pairs.set(node, own);
    },
    Alias(_, alias, ancestors) {
      const target = anchors.get(alias.source);
      if (target && !ancestors.some((node) => node === target)) return void targets.set(alias, target);
      const got = `*${alias.source}, which ${target ? "contains itself" : "names nothing"}`;
      faults.push({ node: alias, within: [...ancestors, alias], got });
    },
  });
  return { pairs, targets, faults, oddKeys };
}

const keyText = ({ key }: yaml.Pair) => (yaml.isScalar(key) ? String(key) : "?");

/** The path of the last of these nodes, each of which holds the next. */
function pathOf(nodes: readonly unknown[]): Path {
  return nodes.flatMap<PropertyKey>((node, index) => {
    if (yaml.isPair(node)) return [keyText(node)];
    return yaml.isSeq(node) ? [node.items.indexOf(nodes[index + 1])] : [];
  });
}
