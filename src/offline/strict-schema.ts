/**
 * The subset of JSON Schema that strict structured output accepts, and the provider's complaint about anything else.
 * Limits: https://platform.openai.com/docs/guides/structured-outputs#supported-schemas
 */
import { badRequest } from "./api-error.ts";
import { type Fields, isFields } from "./field-checks.ts";

const MAX_PROPERTIES = 5_000;
const MAX_LEVELS = 10;
const MAX_ENUM_VALUES = 1_000;
/** Of all property names, definition names, enum values and const values together. */
const MAX_TEXT = 120_000;

/** Everything else is refused, `allOf`, `oneOf`, `not`, `if`, `default` and `minLength` among them. */
const KEYWORDS = new Set([
  ..."type properties required additionalProperties items enum const anyOf $ref $defs definitions".split(" "),
  ..."title description $schema pattern format minItems maxItems".split(" "),
  ..."minimum maximum exclusiveMinimum exclusiveMaximum multipleOf".split(" "),
]);
const FORMATS = new Set("date-time time date duration email hostname ipv4 ipv6 uuid".split(" "));

/** What the schema belongs to: how errors call it, and their `param` and `code`. */
export interface SchemaSubject {
  label: string;
  param: string;
  code: string | null;
}

const formatContext = (path: readonly string[]) =>
  `(${path.map((step) => `'${step}'`).join(", ")}${path.length === 1 ? "," : ""})`;

/** Every schema with a type must describe an object, strict or not. */
export function checkObjectRoot(schema: Fields, subject: SchemaSubject): void {
  if (schema.type === "object" && schema.anyOf === undefined) return;
  const got = schema.type === undefined ? "None" : String(schema.type);
  throw badRequest(
    `Invalid schema for ${subject.label}: schema must be a JSON Schema of 'type: "object"', got 'type: "${got}"'.`,
    subject.param,
    subject.code,
  );
}

/** Throws the provider's error for the first thing in `schema` that a strict schema may not have. */
export function checkStrictSchema(schema: Fields, subject: SchemaSubject): void {
  const total = { properties: 0, enumValues: 0, text: 0 };

  const refuse = (problem: string) =>
    badRequest(`Invalid schema for ${subject.label}: ${problem}`, subject.param, subject.code);
  const refuseAt = (path: readonly string[], problem: string) =>
    refuse(`In context=${formatContext(path)}, ${problem}`);

  const visitChildren = (children: unknown, path: readonly string[], level: number) => {
    if (!isFields(children)) throw refuseAt(path, "expected an object of schemas.");
    for (const [name, child] of Object.entries(children)) {
      total.text += name.length;
      visit(child, [...path, name], level);
    }
  };

  const visitObject = (node: Fields, path: readonly string[], level: number) => {
    if (level > MAX_LEVELS) throw refuse(`${level} levels of nesting exceeds limit of ${MAX_LEVELS}.`);
    if (node.additionalProperties !== false) {
      throw refuseAt(path, "'additionalProperties' is required to be supplied and to be false.");
    }
    const properties = node.properties ?? {};
    const required = Array.isArray(node.required) ? node.required : [];
    const names = isFields(properties) ? Object.keys(properties) : [];
    const missing = names.find((name) => !required.includes(name));
    if (missing !== undefined) {
      throw refuseAt(
        path,
        `'required' is required to be supplied and to be an array including every key in properties. Missing '${missing}'.`,
      );
    }
    const extra = required.find((name) => !names.includes(name));
    if (extra !== undefined) throw refuseAt(path, `Extra required key '${extra}' supplied.`);
    total.properties += names.length;
    visitChildren(properties, [...path, "properties"], level);
  };

  const visit = (node: unknown, path: readonly string[], level: number): void => {
    if (!isFields(node)) throw refuseAt(path, "expected a schema, which is an object.");
    const refused = Object.keys(node).find((keyword) => !KEYWORDS.has(keyword));
    if (refused !== undefined) throw refuseAt(path, `'${refused}' is not permitted.`);

    for (const definitions of ["$defs", "definitions"]) {
      if (node[definitions] !== undefined) visitChildren(node[definitions], [...path, definitions], level);
    }
    if (node.$ref !== undefined) {
      const siblings = Object.keys(node).filter((keyword) => keyword !== "$ref");
      if (siblings.length > 0) {
        throw refuseAt(path, `$ref cannot have keywords {${siblings.map((key) => `'${key}'`).join(", ")}}.`);
      }
      return;
    }
    if (Array.isArray(node.anyOf)) {
      for (const [index, option] of node.anyOf.entries())
        visit(option, [...path, "anyOf", String(index)], level);
      return;
    }
    if (node.type === undefined) throw refuseAt(path, "schema must have a 'type' key.");
    if (typeof node.format === "string" && !FORMATS.has(node.format)) {
      throw refuseAt(path, `'${node.format}' is not a valid format.`);
    }
    if (Array.isArray(node.enum)) {
      total.enumValues += node.enum.length;
      for (const option of node.enum) total.text += String(option).length;
    }
    if (node.const !== undefined) total.text += String(node.const).length;

    const types = Array.isArray(node.type) ? node.type : [node.type];
    if (types.includes("array")) {
      if (node.items === undefined) throw refuseAt(path, "array schema missing items.");
      visit(node.items, [...path, "items"], level);
    }
    if (types.includes("object")) visitObject(node, path, level + 1);
  };

  checkObjectRoot(schema, subject);
  visit(schema, [], 0);
  const limits: [number, number, string][] = [
    [total.properties, MAX_PROPERTIES, "object properties"],
    [total.enumValues, MAX_ENUM_VALUES, "enum values"],
    [total.text, MAX_TEXT, "characters of names and values"],
  ];
  for (const [count, limit, what] of limits) {
    if (count > limit) throw refuse(`${count} ${what} exceeds limit of ${limit}.`);
  }
}
