/** Rules of the `messages` of a request: roles, contents, names, and that every tool call is answered. */
import { badRequest } from "./api-error.ts";
import {
  checkArray,
  checkChoice,
  checkKeys,
  checkName,
  checkObject,
  checkString,
  type Fields,
} from "./field-checks.ts";

const ROLES = ["system", "developer", "user", "assistant", "tool"];
const KEYS = new Set(["role", "content", "name"]);
const KEYS_BY_ROLE: Readonly<Record<string, ReadonlySet<string>>> = {
  assistant: new Set([...KEYS, "tool_calls", "refusal"]),
  tool: new Set([...KEYS, "tool_call_id"]),
};
const PART_KEYS = new Set(["type", "text"]);
const CALL_KEYS = new Set(["id", "type", "function"]);
const FUNCTION_KEYS = new Set(["name", "arguments"]);

function checkContent(content: unknown, path: string): void {
  if (!Array.isArray(content)) {
    checkString(content, path);
    return;
  }
  checkArray(content, path, { min: 1 });
  for (const [index, part] of content.entries()) {
    const place = `${path}[${index}]`;
    const fields = checkObject(part, place);
    checkChoice(fields.type, `${place}.type`, ["text"]);
    checkKeys(fields, PART_KEYS, place);
    checkString(fields.text, `${place}.text`);
  }
}

/** Ids of the calls of an assistant message, in order. */
function checkToolCalls(calls: unknown, path: string): string[] {
  return checkArray(calls, path, { min: 1 }).map((call, index) => {
    const place = `${path}[${index}]`;
    const fields = checkObject(call, place);
    checkKeys(fields, CALL_KEYS, place);
    checkChoice(fields.type, `${place}.type`, ["function"]);
    const named = checkObject(fields.function, `${place}.function`);
    checkKeys(named, FUNCTION_KEYS, `${place}.function`);
    checkName(named.name, `${place}.function.name`);
    checkString(named.arguments, `${place}.function.arguments`);
    return checkString(fields.id, `${place}.id`);
  });
}

function checkAssistant(message: Fields, path: string): string[] {
  const calls =
    message.tool_calls === undefined ? [] : checkToolCalls(message.tool_calls, `${path}.tool_calls`);
  const hasRefusal = message.refusal !== undefined && message.refusal !== null;
  if (hasRefusal) checkString(message.refusal, `${path}.refusal`);
  const isSilent = message.content === undefined || message.content === null;
  if (!isSilent) checkContent(message.content, `${path}.content`);
  else if (calls.length === 0 && !hasRefusal) {
    throw badRequest("Invalid value for 'content': expected a string, got null.", `${path}.content`);
  }
  return calls;
}

const unanswered = (ids: ReadonlySet<string>) =>
  badRequest(
    "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. " +
      `The following tool_call_ids did not have response messages: ${[...ids].join(", ")}`,
    "messages",
  );

/** Throws the provider's error for the first mistake. */
export function checkMessages(value: unknown): void {
  let open: Set<string> = new Set();
  for (const [index, item] of checkArray(value, "messages", { min: 1 }).entries()) {
    const path = `messages[${index}]`;
    const message = checkObject(item, path);
    const role = checkChoice(message.role, `${path}.role`, ROLES);
    checkKeys(message, KEYS_BY_ROLE[role] ?? KEYS, path);
    if (message.name !== undefined) checkName(message.name, `${path}.name`);

    if (role === "tool") {
      const id = checkString(message.tool_call_id, `${path}.tool_call_id`);
      if (!open.delete(id)) {
        throw badRequest(
          "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with 'tool_calls'.",
          `messages.[${index}].role`,
        );
      }
      checkContent(message.content, `${path}.content`);
      continue;
    }
    if (open.size > 0) throw unanswered(open);
    if (role === "assistant") open = new Set(checkAssistant(message, path));
    else checkContent(message.content, `${path}.content`);
  }
  if (open.size > 0) throw unanswered(open);
}
