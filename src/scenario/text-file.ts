/** Reads text files and folders; what cannot be read is a problem that names what lies near. */
import { type Dirent, readdirSync, readFileSync, statSync } from "node:fs";
import { basename, dirname } from "node:path";
import { InvalidFilesError, type Problem } from "../domain/errors.ts";
import { nearNames } from "../domain/near-names.ts";
import { didYouMean, type Parsed } from "../domain/problem-words.ts";
import { decodeText, MAX_FILE_BYTES } from "../domain/yaml-source.ts";

/** The text of a file: UTF-8, at most {@link MAX_FILE_BYTES}. */
export function readText(file: string): Parsed<string> {
  try {
    const stats = statSync(file);
    if (stats.isDirectory()) return refused({ file, path: "", expected: "a file", got: "a folder" });
    if (!stats.isFile()) return refused({ file, path: "", expected: "a file", got: "a device or a pipe" });
    if (stats.size > MAX_FILE_BYTES) {
      const got = `${stats.size} bytes`;
      return refused({ file, path: "", expected: `at most ${MAX_FILE_BYTES} bytes`, got });
    }
    return decodeText(readFileSync(file), file);
  } catch (error) {
    return refused(unreadable(file, "a file", error));
  }
}

/** What lies in a folder, hidden entries left out, in the order of the names' code units. */
export function readFolder(folder: string): Parsed<Dirent[]> {
  try {
    const entries = readdirSync(folder, { withFileTypes: true });
    const visible = entries.filter(({ name }) => !name.startsWith("."));
    return { ok: true, value: visible.sort((a, b) => compareText(a.name, b.name)) };
  } catch (error) {
    return refused(unreadable(folder, "a folder", error));
  }
}

/** The same order on every machine and in every language. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

export const isYaml = (name: string) => /\.ya?ml$/.test(name);

export function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

/** The value, or an {@link InvalidFilesError} with all problems. */
export function valueOrThrow<T>(parsed: Parsed<T>): T {
  if (!parsed.ok) throw new InvalidFilesError(parsed.problems);
  return parsed.value;
}

export function refused(problem: Problem): { ok: false; problems: Problem[] } {
  return { ok: false, problems: [problem] };
}

function unreadable(file: string, expected: string, error: unknown): Problem {
  const code = error instanceof Error && "code" in error ? String(error.code) : undefined;
  if (code === undefined) throw error;
  const problem = { file, path: "", expected };
  if (code === "ENOTDIR")
    return { ...problem, got: expected === "a folder" ? "a file" : "a file in its place" };
  if (code !== "ENOENT") return { ...problem, expected: `${expected} that may be read`, got: code };
  const near = neighbours(file);
  if (near.includes(basename(file))) return { ...problem, got: "a link to nothing" };
  const hint = didYouMean(nearNames(basename(file), near));
  return { ...problem, got: "nothing", hint: hint ?? "check the path" };
}

function neighbours(file: string): string[] {
  try {
    return readdirSync(dirname(file));
  } catch {
    return []; // the folder itself is missing: there is nothing near
  }
}
