/**
 * What OpenAI says a line of a chat fine-tuning file must be: the checks of `Chat_finetuning_data_prep` in its cookbook and
 * the pattern of names in its API. Where a system message stands, and that the last is the assistant's, is stricter than that.
 */
const ROLES = ["system", "user", "assistant"];
const KEYS = ["role", "content", "name", "weight"];

/** Every rule a line breaks, in the words of the provider's own checks. */
export function brokenRules(line: unknown): string[] {
  const { messages, ...rest } = line as { messages?: unknown };
  if (!Array.isArray(messages) || messages.length === 0) return ["missing_messages_list"];
  const broken = Object.keys(rest).map((key) => `example_unrecognized_key ${key}`);
  for (const message of messages as Record<string, unknown>[]) {
    const { role, content, name } = message;
    for (const key of Object.keys(message))
      if (!KEYS.includes(key)) broken.push(`message_unrecognized_key ${key}`);
    if (!ROLES.includes(String(role))) broken.push(`unrecognized_role ${role}`);
    if (typeof content !== "string" || content.trim() === "") broken.push("missing_content");
    if (name !== undefined && !/^[a-zA-Z0-9_-]{1,64}$/.test(String(name))) broken.push(`bad_name ${name}`);
  }
  const roles = messages.map(({ role }) => role);
  if (!roles.includes("assistant")) broken.push("example_missing_assistant_message");
  if (roles.at(-1) !== "assistant") broken.push("last_message_not_from_assistant");
  if (roles.lastIndexOf("system") > 0) broken.push("system_message_not_first");
  return broken;
}
