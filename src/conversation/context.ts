/** Reads a run's context: LangGraph validates it but does not fill in its defaults, and lets misspelt keys pass. */
import type { LangGraphRunnableConfig } from "@langchain/langgraph";
import type { Catalog } from "../catalog/catalog.ts";
import { DramatisError } from "../domain/errors.ts";
import { hintFor } from "../domain/near-names.ts";
import { describe } from "../domain/problem-words.ts";
import { type ConversationContext, conversationContext } from "./state.ts";

/** Stands for every persona without a model of its own. */
export const EVERYONE = "*";

const valueAt = (data: unknown, path: readonly PropertyKey[]): unknown =>
  path.reduce((value, step) => (value as Record<PropertyKey, unknown> | undefined)?.[step], data);

/** @throws DramatisError `invalid-argument` or `unknown-name`: a cap that is misspelt must not become no cap. */
export function contextOf(
  { context = {} }: LangGraphRunnableConfig,
  castIds: readonly string[],
  catalog: Catalog,
): ConversationContext {
  const keys = Object.keys(conversationContext.shape);
  const unknownKey = Object.keys(context).find((key) => !keys.includes(key));
  if (unknownKey !== undefined) {
    const message = `The context has no key "${unknownKey}". ${hintFor(unknownKey, keys)}`;
    throw new DramatisError("invalid-argument", message);
  }
  const parsed = conversationContext.safeParse(context);
  if (!parsed.success) {
    const issues = parsed.error.issues.map(({ path, message }) => {
      const got = message.includes("received") ? "" : `, got ${describe(valueAt(context, path))}`;
      return `${path.join(".")}: ${message}${got}`;
    });
    throw new DramatisError("invalid-argument", `The context is not valid. ${issues.join("; ")}.`);
  }
  const unknownId = Object.keys(parsed.data.models).find((id) => id !== EVERYONE && !castIds.includes(id));
  if (unknownId !== undefined) {
    const message = `The context names a model for "${unknownId}", who is not in the cast. ${hintFor(unknownId, castIds)}`;
    throw new DramatisError("unknown-name", message);
  }
  if (parsed.data.tierFallback !== undefined && parsed.data.tier !== "flex") {
    const message =
      'The context names a tierFallback, which only the tier flex has. Add tier: "flex" (--tier flex).';
    throw new DramatisError("invalid-argument", message);
  }
  for (const model of Object.values(parsed.data.models)) catalog.model(model);
  return parsed.data;
}
