/** Rules of `tools`, `tool_choice`, `parallel_tool_calls` and `response_format`. */
import type { ModelInfo } from "../domain/model-info.ts";
import { badRequest } from "./api-error.ts";
import {
  checkArray,
  checkBoolean,
  checkChoice,
  checkKeys,
  checkName,
  checkObject,
  checkString,
  type Fields,
} from "./field-checks.ts";
import { checkObjectRoot, checkStrictSchema } from "./strict-schema.ts";

const MAX_TOOLS = 128;
const MAX_DESCRIPTION = 1024;
const TOOL_KEYS = new Set(["type", "function"]);
const FUNCTION_KEYS = new Set(["name", "description", "parameters", "strict"]);
const FORMAT_KEYS = new Set(["type", "json_schema"]);
const SCHEMA_KEYS = new Set(["name", "description", "schema", "strict"]);

const isNullish = (value: unknown) => value === undefined || value === null;

function checkTool(value: unknown, path: string): string {
  const tool = checkObject(value, path);
  checkKeys(tool, TOOL_KEYS, path);
  checkChoice(tool.type, `${path}.type`, ["function"]);
  const place = `${path}.function`;
  const named = checkObject(tool.function, place);
  checkKeys(named, FUNCTION_KEYS, place);
  const name = checkName(named.name, `${place}.name`);
  if (named.description !== undefined) {
    checkString(named.description, `${place}.description`, MAX_DESCRIPTION);
  }
  if (!isNullish(named.strict)) checkBoolean(named.strict, `${place}.strict`);

  const subject = {
    label: `function '${name}'`,
    param: `${place}.parameters`,
    code: "invalid_function_parameters",
  };
  if (named.strict === true) checkStrictSchema(checkObject(named.parameters, subject.param), subject);
  else if (named.parameters !== undefined) {
    checkObjectRoot(checkObject(named.parameters, subject.param), subject);
  }
  return name;
}

/** Throws the provider's error for the first mistake. */
export function checkTools(body: Fields): void {
  if (body.tools === undefined) {
    for (const name of ["tool_choice", "parallel_tool_calls"]) {
      if (body[name] === undefined) continue;
      throw badRequest(
        `Invalid value for '${name}': '${name}' is only allowed when 'tools' are specified.`,
        name,
      );
    }
    return;
  }
  const tools = checkArray(body.tools, "tools", { min: 1, max: MAX_TOOLS });
  const names = new Set<string>();
  for (const [index, tool] of tools.entries()) {
    const name = checkTool(tool, `tools[${index}]`);
    if (names.has(name)) {
      throw badRequest(`Duplicate tool name '${name}'.`, `tools[${index}].function.name`, "invalid_value");
    }
    names.add(name);
  }
  if (body.parallel_tool_calls !== undefined) {
    checkBoolean(body.parallel_tool_calls, "parallel_tool_calls");
  }
  checkToolChoice(body.tool_choice, names);
}

function checkToolChoice(choice: unknown, names: ReadonlySet<string>): void {
  if (choice === undefined) return;
  if (typeof choice === "string") {
    checkChoice(choice, "tool_choice", ["none", "auto", "required"]);
    return;
  }
  const fields = checkObject(choice, "tool_choice");
  checkKeys(fields, TOOL_KEYS, "tool_choice");
  checkChoice(fields.type, "tool_choice.type", ["function"]);
  const named = checkObject(fields.function, "tool_choice.function");
  const name = checkName(named.name, "tool_choice.function.name");
  if (!names.has(name))
    throw badRequest("Tool choice 'function' not found in 'tools' parameter.", "tool_choice");
}

const mentionsJson = (messages: unknown) => /json/i.test(JSON.stringify(messages));

/** Throws the provider's error for the first mistake. `messages` must have been checked before. */
export function checkResponseFormat(body: Fields, model: ModelInfo): void {
  if (body.response_format === undefined) return;
  const format = checkObject(body.response_format, "response_format");
  const type = checkChoice(format.type, "response_format.type", ["json_object", "json_schema", "text"]);
  checkKeys(format, FORMAT_KEYS, "response_format");
  if (type === "json_object" && !mentionsJson(body.messages)) {
    throw badRequest(
      "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'.",
      "messages",
    );
  }
  if (type !== "json_schema") return;

  if (model.structured !== "json-schema") {
    throw badRequest(
      "Invalid parameter: 'response_format' of type 'json_schema' is not supported with this model.",
      "response_format",
    );
  }
  const place = "response_format.json_schema";
  const described = checkObject(format.json_schema, place);
  checkKeys(described, SCHEMA_KEYS, place);
  const name = checkName(described.name, `${place}.name`);
  if (described.description !== undefined) checkString(described.description, `${place}.description`);
  if (!isNullish(described.strict)) checkBoolean(described.strict, `${place}.strict`);
  const schema = checkObject(described.schema, `${place}.schema`);
  const subject = { label: `response_format '${name}'`, param: "response_format", code: null };
  if (described.strict === true) checkStrictSchema(schema, subject);
  else checkObjectRoot(schema, subject);
}
