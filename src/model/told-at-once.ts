/** Tells whoever watches an answer arrive all of it at once: it was there already. */
import type { Completion, Exchange } from "./exchange.ts";

export function tellAtOnce({ choices }: Completion, { onDelta, attempts }: Exchange): void {
  const message = choices[0]?.message;
  const call = message?.tool_calls?.find((one) => one.type === "function");
  const content = message?.content ?? "";
  const callArguments = call?.function.arguments ?? "";
  if (content === "" && callArguments === "") return;
  onDelta?.({ attempt: attempts.length + 1, content, callArguments, callName: call?.function.name });
}
