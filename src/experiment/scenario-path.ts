/** Paths of a scenario as people write them: `answers.maxOutputTokens`, `cast[ines-marvao].goals`, `endings[maxTurns].maxTurns`. Pure. */

import { MAX_PATH } from "../domain/experiment.ts";
import { nearNames } from "../domain/near-names.ts";
import { describe, didYouMean, listNames, type Path } from "../domain/problem-words.ts";

/** Short words for the paths that experiments vary most. */
const SHORT: Readonly<Record<string, string>> = {
  policy: "moderator.policy",
  layout: "context.layout",
  model: "cast[*].model",
};
/** Of one persona: `model[ines-marvao]`, `persona[ines-marvao]`. */
const SHORT_OF: Readonly<Record<string, string>> = { model: ".model", persona: "" };

/** Why a path leads nowhere. */
export interface NoPath {
  got: string;
  hint: string;
}
export type Found = { ok: true; paths: (string | number)[][] } | { ok: false; problem: NoPath };

const SYNTAX = "write a.b.c, and list[name] for an item of a list";

function expanded(text: string): string {
  const of = /^(model|persona)\[([^\]]+)\]$/.exec(text);
  if (of !== null) return `cast[${of[2]}]${SHORT_OF[of[1] ?? ""] ?? ""}`;
  return Object.hasOwn(SHORT, text) ? (SHORT[text] ?? text) : text;
}

/** The steps of a path; undefined: it is none. A number in brackets is the place in a list. */
export function stepsOf(text: string): { step: string; isItem: boolean }[] | undefined {
  const steps: { step: string; isItem: boolean }[] = [];
  let rest = `.${text}`;
  while (rest !== "") {
    const [whole, key, item] = /^(?:\.([^.[\]\s]+)|\[([^[\]]+)\])/.exec(rest) ?? [];
    const step = (key ?? item ?? "").trim();
    if (whole === undefined || step === "" || step === "__proto__") return undefined;
    steps.push({ step, isItem: key === undefined });
    rest = rest.slice(whole.length);
  }
  return steps;
}

const isMapping = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** What an item of a list may be called: its id, or its only key, as endings have it. */
function nameOf(item: unknown): string | undefined {
  if (typeof item === "string") return item;
  if (!isMapping(item)) return undefined;
  if (typeof item.id === "string") return item.id;
  const keys = Object.keys(item);
  return keys.length === 1 ? keys[0] : undefined;
}

/**
 * The places that a path means in a scenario; several for `[*]`. Keys that are not there yet are taken as they are: the
 * scenario's schema knows which there may be.
 */
export function findPaths(data: unknown, text: string): Found {
  const refuse = (got: string, hint: string): Found => ({ ok: false, problem: { got, hint } });
  if (text.length > MAX_PATH) return refuse(describe(text), `at most ${MAX_PATH} characters`);
  if (text === "persona") return refuse('"persona"', "say in whose place: persona[<id of the cast>]");
  const steps = stepsOf(expanded(text));
  if (steps === undefined) return refuse(JSON.stringify(text), SYNTAX);
  let places: { path: (string | number)[]; value: unknown }[] = [{ path: [], value: data }];
  for (const { step, isItem } of steps) {
    const next: typeof places = [];
    for (const { path, value } of places) {
      if (!isItem) {
        if (value !== undefined && value !== null && !isMapping(value))
          return refuse(
            JSON.stringify(text),
            Array.isArray(value) ? SYNTAX : `nothing lies below ${path.join(".")}`,
          );
        next.push({
          path: [...path, step],
          value: isMapping(value) && Object.hasOwn(value, step) ? value[step] : undefined,
        });
        continue;
      }
      const items: readonly unknown[] = Array.isArray(value) ? value : [];
      const names = items.map(nameOf);
      const named = names.indexOf(step);
      const index = named === -1 && /^\d+$/.test(step) && Number(step) < items.length ? Number(step) : named;
      if (step === "*") next.push(...items.map((item, at) => ({ path: [...path, at], value: item })));
      else if (index !== -1) next.push({ path: [...path, index], value: items[index] });
      else {
        const known = names.filter((name) => name !== undefined);
        const hint = didYouMean(nearNames(step, known)) ?? `known: ${listNames(known)}`;
        return refuse(
          JSON.stringify(step),
          Array.isArray(value) ? hint : `${path.join(".")} is no list there`,
        );
      }
    }
    places = next;
  }
  return { ok: true, paths: places.map(({ path }) => path) };
}

/** Sets what lies at a path of `data`, making mappings on the way; null takes the key away. Changes `data`. */
export function setAt(data: unknown, path: Path, value: unknown): void {
  let parent = data as Record<PropertyKey, unknown>;
  for (const step of path.slice(0, -1)) {
    const known = Object.hasOwn(parent, step) ? parent[step] : undefined;
    const child = typeof known === "object" && known !== null ? known : {};
    parent[step] = child;
    parent = child as Record<PropertyKey, unknown>;
  }
  const last = path.at(-1);
  if (last === undefined) return;
  if (value === null && !Array.isArray(parent)) delete parent[last];
  else parent[last] = value;
}
