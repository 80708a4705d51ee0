/** Files of personas, scenarios and experiments are named after what they hold, so that an id leads to its file. */
import { basename, extname } from "node:path";
import type { Problem } from "../domain/errors.ts";
import { describe } from "../domain/problem-words.ts";
import { problemAt } from "../domain/schema-check.ts";
import type { Source } from "../domain/yaml-source.ts";

/** The id that a file's name stands for. */
export const fileId = (file: string) => basename(file, extname(file));

/** A problem when the file says another id than its name. */
export function nameProblems(source: Source, kind: "persona" | "scenario" | "experiment"): Problem[] {
  const id = (source.data as { id?: unknown } | null | undefined)?.id;
  const expected = fileId(source.file);
  if (typeof id !== "string" || id === expected) return [];
  const hint = `a ${kind}'s file is named after its id`;
  return [problemAt(source, ["id"], { expected, got: describe(id), hint })];
}
