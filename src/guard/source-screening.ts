/** Screens what was read from a file: odd characters are problems, secrets what the policy makes of them. Pure. */
import type { Problem } from "../domain/errors.ts";
import { type Path, pathText } from "../domain/problem-words.ts";
import type { Notice, SecretPolicy } from "../domain/screening.ts";
import type { Source } from "../domain/yaml-source.ts";
import { describeCharacter, findCharacters } from "./characters.ts";
import { findSecrets, redactSecrets } from "./secrets.ts";

/** How files are screened, and the notices of it so far. */
export interface FileScreening {
  secrets: SecretPolicy;
  notices: Notice[];
}

export const createFileScreening = (secrets: SecretPolicy = "block"): FileScreening => ({
  secrets,
  notices: [],
});

/** Nobody reads more of them in one file. */
const MAX_FOUND = 50;
const REMOVE = "remove it, or set `screening: { secrets: redact }` in the scenario";

type Place = Pick<Problem, "file" | "line" | "column" | "path">;

function positionIn(text: string, offset: number, firstLine = 1): { line: number; column: number } {
  const before = text.slice(0, offset);
  const lineStart = before.lastIndexOf("\n") + 1;
  return { line: firstLine + before.split("\n").length - 1, column: offset - lineStart + 1 };
}

const secretProblem = (place: Place, kind: string): Problem => ({
  ...place,
  expected: "text without secrets",
  got: `a secret: ${kind}`,
  hint: REMOVE,
});

const characterProblem = (place: Place, codePoint: number): Problem => ({
  ...place,
  expected: "text without control and bidirectional characters",
  got: describeCharacter(codePoint),
});

const noticePlace = ({ file, line, column, path }: Place): string =>
  [file, line ?? (path === "" ? undefined : path), column].filter((part) => part !== undefined).join(":");

/** What is found: problems of the file, or notices of the run. Places are looked for only while somebody may read them. */
function createFindings({ secrets, notices }: FileScreening) {
  const problems: Problem[] = [];
  let left = MAX_FOUND;
  return {
    problems,
    addSecret(kind: string, findPlace: () => Place): void {
      if (left-- <= 0) return;
      const place = findPlace();
      if (secrets === "block") problems.push(secretProblem(place, kind));
      else notices.push({ place: noticePlace(place), kind, action: secrets === "warn" ? "sent" : "removed" });
    },
    addCharacter(codePoint: number, findPlace: () => Place): void {
      if (left-- > 0) problems.push(characterProblem(findPlace(), codePoint));
    },
    /** Secrets that are blocked are taken out as well: what else is wrong with the file must not quote them. */
    textAfter: (text: string): string => (secrets === "warn" ? text : redactSecrets(text)),
  };
}

/** Text that is used as it stands, like the body of a document that begins at `line` of its file. */
export function screenBody(
  text: string,
  { file, line, screening }: { file: string; line: number; screening: FileScreening },
): { text: string; problems: Problem[] } {
  const findings = createFindings(screening);
  const at = (offset: number) => () => ({ file, ...positionIn(text, offset, line), path: "" });
  for (const { index, codePoint } of findCharacters(text)) findings.addCharacter(codePoint, at(index));
  const secrets = findSecrets(text);
  for (const { kind, start } of secrets) findings.addSecret(kind, at(start));
  return {
    text: secrets.length > 0 ? findings.textAfter(text) : text,
    problems: findings.problems,
  };
}

/**
 * Data of a file, or from code. Its values are what is looked at, for they are what is sent: the text of a YAML file may
 * write a character of a secret as an escape.
 */
export function screenSource(
  source: Source,
  screening: FileScreening,
): { source: Source; problems: Problem[] } {
  const { file, text } = source;
  const findings = createFindings(screening);
  const raw = text === undefined ? [] : findCharacters(text);
  for (const { index, codePoint } of raw) {
    findings.addCharacter(codePoint, () => ({ file, ...positionIn(text ?? "", index), path: "" }));
  }
  const told = new Set(raw.map(({ codePoint }) => codePoint));

  /** The line of a value is known; where in it something stands is searched in the text. */
  function placeOf(path: Path, part: "value" | "key", found: string): Place {
    const position = source.locate(path, part);
    const place = { file, ...position, path: redactSecrets(pathText(path)).slice(0, MAX_PATH) };
    if (text === undefined || position.line === undefined) return place;
    const offset = text.indexOf(found.split(/\s/, 1)[0] ?? "", offsetOfLine(text, position.line));
    return offset < 0 ? place : { ...place, ...positionIn(text, offset) };
  }

  function screened(value: string, path: Path, part: "value" | "key"): string {
    for (const { index, codePoint } of findCharacters(value)) {
      if (told.has(codePoint)) continue;
      findings.addCharacter(codePoint, () => placeOf(path, part, value.charAt(index)));
    }
    const secrets = findSecrets(value);
    for (const { kind, start, end } of secrets) {
      findings.addSecret(kind, () => placeOf(path, part, value.slice(start, end)));
    }
    return secrets.length > 0 ? findings.textAfter(value) : value;
  }

  const done = new Map<object, unknown>(); // a value may stand in many places, by aliases
  function walk(value: unknown, path: Path): unknown {
    if (typeof value === "string") return screened(value, path, "value");
    if (typeof value !== "object" || value === null || path.length > MAX_DEPTH) return value;
    const known = done.get(value);
    if (known !== undefined) return known;
    done.set(value, value); // for one that holds itself; the schema says what is wrong with it
    const changed = Array.isArray(value) ? walkList(value, path) : walkMapping(value, path);
    done.set(value, changed);
    return changed;
  }
  function walkList(list: readonly unknown[], path: Path): unknown {
    const items = list.map((item, index) => walk(item, [...path, index]));
    return items.some((item, index) => item !== list[index]) ? items : list;
  }
  function walkMapping(mapping: object, path: Path): unknown {
    const entries = Object.entries(mapping);
    const changed = entries.map(([key, value]) => {
      const inner = [...path, key];
      return [screened(key, inner, "key"), walk(value, inner)] as const;
    });
    const isSame = changed.every(([key, value], i) => key === entries[i]?.[0] && value === entries[i]?.[1]);
    return isSame ? mapping : Object.fromEntries(changed);
  }

  const data = walk(source.data, []);
  return { source: { ...source, data, problems: withoutQuotes(source) }, problems: findings.problems };
}

/** Far deeper than anything that is sent. */
const MAX_DEPTH = 50;
/** A path may hold keys of any length. */
const MAX_PATH = 200;

function offsetOfLine(text: string, line: number): number {
  let offset = 0;
  for (let at = 1; at < line; at += 1) offset = text.indexOf("\n", offset) + 1;
  return offset;
}

/** Problems of the YAML quote the line they are about; one with a secret is not quoted. */
function withoutQuotes({ text, problems }: Source): readonly Problem[] {
  const secrets = text === undefined || problems.length === 0 ? [] : findSecrets(text).slice(0, MAX_FOUND);
  if (text === undefined || secrets.length === 0) return problems;
  const spans = secrets.map(
    ({ start, end }) => [positionIn(text, start).line, positionIn(text, end).line] as const,
  );
  return problems.map(({ path, hint, line = 0, ...problem }) => ({
    ...problem,
    ...(line === 0 ? {} : { line }),
    path: redactSecrets(path),
    ...(hint === undefined ? {} : { hint: redactSecrets(hint) }),
    ...(spans.some(([first, last]) => line >= first && line <= last) ? { got: "a line with a secret" } : {}),
  }));
}
