/** Where two values of plain data first differ, and what stands there in each, in few words. */
import { pathText } from "../../domain/problem-words.ts";
import { isObject } from "../json-object.ts";

export interface Difference {
  path: readonly (string | number)[];
  recorded: unknown;
  now: unknown;
}

function stepsOf(recorded: unknown, now: unknown): (string | number)[] | undefined {
  if (Array.isArray(recorded) && Array.isArray(now)) {
    return Array.from({ length: Math.max(recorded.length, now.length) }, (_, index) => index);
  }
  if (isObject(recorded) && isObject(now)) {
    return [...new Set([...Object.keys(recorded), ...Object.keys(now)])];
  }
  return undefined;
}

const at = (value: unknown, step: string | number): unknown =>
  Object.hasOwn(value as object, step) ? (value as Record<string | number, unknown>)[step] : undefined;

/** In the order in which the recorded value holds its parts; undefined when the two are equal. */
export function firstDifference(
  recorded: unknown,
  now: unknown,
  path: readonly (string | number)[] = [],
): Difference | undefined {
  if (Object.is(recorded, now)) return undefined;
  const steps = stepsOf(recorded, now);
  if (steps === undefined) return { path, recorded, now };
  for (const step of steps) {
    const found = firstDifference(at(recorded, step), at(now, step), [...path, step]);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Shown of a text before and after the place where it differs. */
const BEFORE = 30;
const AFTER = 50;

function shortened(value: unknown, from: number): string {
  if (value === undefined) return "nothing";
  const isText = typeof value === "string";
  const whole = isText ? value : (JSON.stringify(value) ?? "nothing");
  const begin = Math.max(0, from - BEFORE);
  const piece = whole.slice(begin, from + AFTER);
  const shown = `${begin > 0 ? "…" : ""}${piece}${from + AFTER < whole.length ? "…" : ""}`;
  return isText ? JSON.stringify(shown) : shown;
}

/** The place and, in a line each, what was recorded there and what stands there now. */
export function differenceText({ path, recorded, now }: Difference): string {
  const place = pathText(path) || "the whole body";
  let from = 0;
  if (typeof recorded === "string" && typeof now === "string") {
    while (from < Math.min(recorded.length, now.length) && recorded[from] === now[from]) from++;
  }
  const where = from === 0 ? place : `${place}, character ${from + 1}`;
  return `${where}\nrecorded: ${shortened(recorded, from)}\nnow: ${shortened(now, from)}`;
}
