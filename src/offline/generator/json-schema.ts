/** Values for a JSON Schema: whether one is valid, and a valid one where nobody has a better idea. */

export type Schema = Record<string, unknown>;

/** What the maker of a value may know better than chance. */
export interface Ideas {
  /** A value for a property, tried before all else; undefined: no idea. */
  value(name: string, schema: Schema): unknown;
  /** A short text for a property without an idea. */
  text(name: string, description: string): string;
  /** In [0, 1), the same for the same name. */
  draw(name: string): number;
}

const MAX_DEPTH = 8;
const isRecord = (value: unknown): value is Schema =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const schemas = (value: unknown): Schema[] => (Array.isArray(value) ? value.filter(isRecord) : []);
const number = (value: unknown): number | undefined => (typeof value === "number" ? value : undefined);

/** Follows `$ref` within the document; what cannot be found allows anything. */
function resolve(schema: Schema, root: Schema): Schema {
  let current = schema;
  for (let hops = 0; typeof current.$ref === "string" && hops < 16; hops++) {
    const path = current.$ref
      .replace(/^#\/?/, "")
      .split("/")
      .filter((part) => part !== "");
    const found = path.reduce<unknown>(
      (node, part) => (isRecord(node) ? node[part.replaceAll("~1", "/").replaceAll("~0", "~")] : undefined),
      root,
    );
    current = isRecord(found) ? found : {};
  }
  return current;
}

const typesOf = (schema: Schema): unknown[] =>
  Array.isArray(schema.type) ? schema.type : schema.type === undefined ? [] : [schema.type];

function hasType(value: unknown, type: unknown): boolean {
  switch (type) {
    case "null":
      return value === null;
    case "array":
      return Array.isArray(value);
    case "object":
      return isRecord(value);
    case "integer":
      return Number.isInteger(value);
    default:
      return typeof value === type;
  }
}

const within = (size: number, least: unknown, most: unknown) =>
  size >= (number(least) ?? -Infinity) && size <= (number(most) ?? Infinity);

function matches(pattern: unknown, value: string): boolean {
  if (typeof pattern !== "string") return true;
  try {
    return new RegExp(pattern, "u").test(value);
  } catch {
    return true; // Not a pattern of this language: nothing to hold the value against.
  }
}

/** Whether `value` is valid: the keywords that strict schemas allow, and the common ones beside them. */
export function accepts(given: Schema, value: unknown, root: Schema = given): boolean {
  const schema = resolve(given, root);
  const types = typesOf(schema);
  if (types.length > 0 && !types.some((type) => hasType(value, type))) return false;
  if ("const" in schema && schema.const !== value) return false;
  if (Array.isArray(schema.enum) && !schema.enum.includes(value)) return false;
  const variants = [...schemas(schema.anyOf), ...schemas(schema.oneOf)];
  if (variants.length > 0 && !variants.some((variant) => accepts(variant, value, root))) return false;
  if (!schemas(schema.allOf).every((part) => accepts(part, value, root))) return false;
  if (typeof value === "string") {
    return within([...value].length, schema.minLength, schema.maxLength) && matches(schema.pattern, value);
  }
  if (typeof value === "number") {
    const step = number(schema.multipleOf);
    return (
      within(value, schema.minimum, schema.maximum) &&
      value > (number(schema.exclusiveMinimum) ?? -Infinity) &&
      value < (number(schema.exclusiveMaximum) ?? Infinity) &&
      (step === undefined || Math.abs(value / step - Math.round(value / step)) < 1e-9)
    );
  }
  if (Array.isArray(value)) {
    const items = schema.items;
    return (
      within(value.length, schema.minItems, schema.maxItems) &&
      (!isRecord(items) || value.every((item) => accepts(items, item, root)))
    );
  }
  if (isRecord(value)) {
    const properties = isRecord(schema.properties) ? schema.properties : {};
    const required = Array.isArray(schema.required) ? schema.required : [];
    return (
      required.every((key) => typeof key === "string" && key in value) &&
      Object.entries(value).every(([key, inner]) => {
        const part = properties[key];
        return isRecord(part) ? accepts(part, inner, root) : schema.additionalProperties !== false;
      })
    );
  }
  return true;
}

const FORMATS: Record<string, string> = {
  date: "2026-01-15",
  "date-time": "2026-01-15T09:30:00Z",
  time: "09:30:00Z",
  email: "someone@example.org",
  uri: "https://example.org/",
  uuid: "3f2b8c1e-5a4d-4c6b-9e7f-0a1b2c3d4e5f",
  ipv4: "192.0.2.1",
  hostname: "example.org",
};
/** Tried against a pattern, after the text itself. */
const SAMPLES = [
  "note",
  "one-two",
  "a",
  "A",
  "ok",
  "ABC",
  "1",
  "12",
  "123",
  "2026",
  "2026-01-15",
  "09:30",
  "a1",
  "A-1",
  "+49301234567",
];

function makeString(schema: Schema, text: string): string {
  const format = typeof schema.format === "string" ? FORMATS[schema.format] : undefined;
  const most = number(schema.maxLength) ?? Infinity;
  const least = number(schema.minLength) ?? 0;
  const letters = [...(format ?? text)];
  const cut = letters.length > most ? letters.slice(0, most).join("").trimEnd() : letters.join("");
  const filled = cut.length < least ? cut.padEnd(least, ".") : cut;
  if (matches(schema.pattern, filled)) return filled;
  const slug = text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-|-$/g, "");
  return [slug, ...SAMPLES].find((sample) => accepts({ ...schema, type: "string" }, sample)) ?? filled;
}

function makeNumber(schema: Schema, isInteger: boolean, share: number): number {
  const step = number(schema.multipleOf) ?? (isInteger ? 1 : 0.01);
  const above = number(schema.exclusiveMinimum);
  const below = number(schema.exclusiveMaximum);
  const least =
    number(schema.minimum) ??
    (above === undefined ? Math.min(0, number(schema.maximum) ?? below ?? 0) : above);
  const most = number(schema.maximum) ?? below ?? Math.max(least, isInteger ? least + 5 : least + 1);
  const drawn = Math.round((least + share * (most - least)) / step) * step;
  const candidates = [
    Number(drawn.toFixed(6)),
    Math.ceil(least / step) * step,
    Math.floor(most / step) * step,
    least + step,
    most - step,
    (least + most) / 2,
    least,
    most,
  ];
  return (
    candidates.find((value) => accepts({ ...schema, type: isInteger ? "integer" : "number" }, value)) ?? least
  );
}

/** A valid value, as good as the ideas are. What no rule here can satisfy (rare patterns) comes out as near as it gets. */
export function instanceOf(
  given: Schema,
  ideas: Ideas,
  root: Schema = given,
  name = "answer",
  depth = 0,
): unknown {
  const schema = resolve(given, root);
  const idea = ideas.value(name, schema);
  if (idea !== undefined && accepts(schema, idea, root)) return idea;
  if ("const" in schema) return schema.const;
  if (Array.isArray(schema.enum)) return schema.enum[Math.floor(ideas.draw(name) * schema.enum.length)];
  const variants = [...schemas(schema.anyOf), ...schemas(schema.oneOf)];
  if (variants.length > 0) {
    const simple = variants.filter((variant) => typesOf(resolve(variant, root)).includes("null"));
    const full = variants.filter((variant) => !simple.includes(variant));
    const pool = (depth >= MAX_DEPTH && simple.length > 0) || full.length === 0 ? simple : full;
    return instanceOf(pool[Math.floor(ideas.draw(name) * pool.length)] ?? {}, ideas, root, name, depth + 1);
  }
  const parts = schemas(schema.allOf).map((part) => resolve(part, root));
  if (parts.length > 0) {
    const properties = Object.assign({}, ...parts.map((part) => part.properties ?? {}));
    return instanceOf(Object.assign({}, ...parts, { properties }), ideas, root, name, depth + 1);
  }
  const types = typesOf(schema);
  const type =
    types.find((each) => each !== "null") ??
    types[0] ??
    (schema.properties === undefined ? "string" : "object");
  switch (type) {
    case "null":
      return null;
    case "boolean":
      return ideas.draw(name) < 0.5;
    case "integer":
    case "number":
      return makeNumber(schema, type === "integer", ideas.draw(name));
    case "array": {
      if (depth >= MAX_DEPTH && (number(schema.minItems) ?? 0) === 0) return [];
      const wanted = Math.max(number(schema.minItems) ?? 0, Math.min(2, number(schema.maxItems) ?? 2));
      const items = isRecord(schema.items) ? schema.items : { type: "string" };
      return Array.from({ length: wanted }, (_, index) =>
        instanceOf(items, ideas, root, `${name} ${index + 1}`, depth + 1),
      );
    }
    case "object": {
      const properties = isRecord(schema.properties) ? schema.properties : {};
      const required = Array.isArray(schema.required) ? schema.required : [];
      return Object.fromEntries(
        Object.entries(properties)
          .filter(([key]) => depth < MAX_DEPTH || required.includes(key))
          .map(([key, inner]) => [
            key,
            instanceOf(isRecord(inner) ? inner : {}, ideas, root, key, depth + 1),
          ]),
      );
    }
    default:
      return makeString(
        schema,
        ideas.text(name, typeof schema.description === "string" ? schema.description : ""),
      );
  }
}

/** The first JSON Schema of an object that is written out in a text. */
export function schemaIn(text: string): Schema | undefined {
  for (let start = text.indexOf("{"); start !== -1; start = text.indexOf("{", start + 1)) {
    const end = closingBrace(text, start);
    if (end === -1) continue;
    try {
      const parsed: unknown = JSON.parse(text.slice(start, end + 1));
      const schema = isRecord(parsed) && isRecord(parsed.schema) ? parsed.schema : parsed;
      if (isRecord(schema) && isRecord(schema.properties)) return schema;
      start = end;
    } catch {
      // Braces that are no JSON: look on.
    }
  }
  return undefined;
}

function closingBrace(text: string, start: number): number {
  let depth = 0;
  let inString = false;
  for (let index = start; index < text.length; index++) {
    const char = text[index];
    if (inString) {
      if (char === "\\") index += 1;
      else if (char === '"') inString = false;
    } else if (char === '"') inString = true;
    else if (char === "{") depth += 1;
    else if (char === "}" && --depth === 0) return index;
  }
  return -1;
}
