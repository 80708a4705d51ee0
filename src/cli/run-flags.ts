/** The flags of `dramatis run`, many of them those of other commands as well, and what they mean. */
import type { Catalog } from "../catalog/catalog.ts";
import type { ConversationContextInput } from "../conversation/state.ts";
import { DramatisError } from "../domain/errors.ts";
import type { Complexity, Strategy } from "../domain/scenario.ts";
import type { GatewayFlags } from "./gateway-flags.ts";
import type { TransportFlags } from "./transport-flags.ts";

export interface RunFlags extends GatewayFlags, TransportFlags {
  /** Keeps the conversation there. */
  store?: string;
  seed?: number;
  turns?: number;
  model?: string;
  complexity?: Complexity;
  maxCost?: number;
  context?: Strategy;
  tier?: ConversationContextInput["tier"];
  tierFallback?: ConversationContextInput["tierFallback"];
  explainPrompt?: number;
  out?: string;
  json?: boolean;
  quiet?: boolean;
  /** False with --no-stream. */
  stream?: boolean;
  offline?: boolean;
  log?: string;
  logPrompts?: boolean;
  cache?: boolean;
  record?: string;
  replay?: string;
}

export function contextOf({
  turns,
  model,
  complexity,
  maxCost,
  context,
  tier,
  tierFallback,
}: RunFlags): ConversationContextInput {
  return {
    ...(turns === undefined ? {} : { maxTurns: turns }),
    ...(model === undefined ? {} : { models: { "*": model } }),
    ...(complexity === undefined ? {} : { complexity }),
    ...(maxCost === undefined ? {} : { budget: { maxCostUsd: maxCost } }),
    ...(context === undefined ? {} : { context: { strategy: context } }),
    ...(tier === undefined ? {} : { tier }),
    ...(tierFallback === undefined ? {} : { tierFallback }),
  };
}

/** The catalog's own words, and which flags they are about. */
export function checkModel(id: string, catalog: Catalog): void {
  try {
    catalog.model(id);
  } catch (cause) {
    if (!(cause instanceof DramatisError)) throw cause;
    const message = `--model: ${cause.message}. Models of your own come from the file that --catalog names.`;
    throw new DramatisError(cause.code, message, { cause });
  }
}

export const modeOf = ({ json, quiet }: RunFlags) => (json ? "json" : quiet ? "quiet" : "full");
