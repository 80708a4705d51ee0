/** Checks of single fields of a request, failing with the provider's error for that mistake. */
import { badRequest } from "./api-error.ts";

/** The longest string the provider takes in any field. */
const MAX_STRING = 10_485_760;
/** What message names, tool names and schema names may look like. */
export const NAME_PATTERN = /^[a-zA-Z0-9_-]+$/;
export const NAME_LENGTH = 64;

export type Fields = Record<string, unknown>;

export const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function describe(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "an array";
  switch (typeof value) {
    case "number":
      return Number.isInteger(value) ? "an integer" : "a decimal number";
    case "object":
      return "an object";
    default:
      return `a ${typeof value}`;
  }
}

function wrongType(path: string, expected: string, value: unknown) {
  if (value === undefined)
    return badRequest(`Missing required parameter: '${path}'.`, path, "missing_required_parameter");
  return badRequest(
    `Invalid type for '${path}': expected ${expected}, but got ${describe(value)} instead.`,
    path,
    "invalid_type",
  );
}

export function checkObject(value: unknown, path: string): Fields {
  if (!isFields(value)) throw wrongType(path, "an object", value);
  return value;
}

/** @param path undefined: the body itself. */
export function checkKeys(object: Fields, allowed: ReadonlySet<string>, path?: string): void {
  for (const key of Object.keys(object)) {
    if (allowed.has(key)) continue;
    const place = path === undefined ? key : `${path}.${key}`;
    throw badRequest(`Unknown parameter: '${place}'.`, place, "unknown_parameter");
  }
}

export function checkArray(
  value: unknown,
  path: string,
  limits: { min?: number; max?: number } = {},
): unknown[] {
  if (!Array.isArray(value)) throw wrongType(path, "an array of objects", value);
  if (value.length < (limits.min ?? 0)) {
    throw badRequest(
      `Invalid '${path}': empty array. Expected an array with minimum length ${limits.min}, but got an empty array instead.`,
      path,
      "empty_array",
    );
  }
  if (value.length > (limits.max ?? Number.POSITIVE_INFINITY)) {
    throw badRequest(
      `Invalid '${path}': array too long. Expected an array with maximum length ${limits.max}, but got an array with length ${value.length} instead.`,
      path,
      "array_above_max_length",
    );
  }
  return value;
}

export function checkString(value: unknown, path: string, maxLength = MAX_STRING): string {
  if (typeof value !== "string") throw wrongType(path, "a string", value);
  if (value.length > maxLength) {
    throw badRequest(
      `Invalid '${path}': string too long. Expected a string with maximum length ${maxLength}, but got a string with length ${value.length} instead.`,
      path,
      "string_above_max_length",
    );
  }
  return value;
}

/** A name of a message, tool or schema. */
export function checkName(value: unknown, path: string): string {
  const name = checkString(value, path, NAME_LENGTH);
  if (!NAME_PATTERN.test(name)) {
    throw badRequest(
      `Invalid '${path}': string does not match pattern. Expected a string that matches the pattern '${NAME_PATTERN.source}'.`,
      path,
      "invalid_value",
    );
  }
  return name;
}

export function checkBoolean(value: unknown, path: string): boolean {
  if (typeof value !== "boolean") throw wrongType(path, "a boolean", value);
  return value;
}

export interface Range {
  min?: number;
  max?: number;
}

export function checkNumber(value: unknown, path: string, range: Range = {}): number {
  if (typeof value !== "number") throw wrongType(path, "a decimal", value);
  return checkRange(value, path, range, "decimal");
}

export function checkInteger(value: unknown, path: string, range: Range = {}): number {
  if (typeof value !== "number" || !Number.isInteger(value)) throw wrongType(path, "an integer", value);
  return checkRange(value, path, range, "integer");
}

function checkRange(value: number, path: string, { min, max }: Range, kind: "decimal" | "integer"): number {
  const outside = (side: "above maximum" | "below minimum", expected: string) =>
    badRequest(
      `Invalid '${path}': ${kind} ${side} value. Expected a value ${expected}, but got ${value} instead.`,
      path,
      `${kind}_${side === "above maximum" ? "above_max" : "below_min"}_value`,
    );
  if (max !== undefined && value > max) throw outside("above maximum", `<= ${max}`);
  if (min !== undefined && value < min) throw outside("below minimum", `>= ${min}`);
  return value;
}

export function checkChoice(value: unknown, path: string, choices: readonly string[]): string {
  if (typeof value !== "string") throw wrongType(path, `one of ${choices.join(", ")}`, value);
  if (!choices.includes(value)) {
    const list = choices.map((choice) => `'${choice}'`);
    const last = list.pop();
    const supported =
      list.length === 0 ? last : `${list.join(", ")}${list.length > 1 ? "," : ""} and ${last}`;
    throw badRequest(`Invalid value: '${value}'. Supported values are: ${supported}.`, path, "invalid_value");
  }
  return value;
}
