/** Writes every failed attempt as one JSON line. Without prompts, unless they are asked for; never with a key. */
import type { Logger } from "pino";
import type { Attempt } from "../domain/attempt.ts";
import { withoutKeys } from "../domain/secrets.ts";
import type { Exchange } from "./exchange.ts";

export interface FailureLog {
  failed(attempt: Attempt, exchange: Exchange): void;
}

export interface FailureLogOptions {
  /** A pino logger, or any with its `warn`. */
  logger: Pick<Logger, "warn">;
  /** Writes the messages of the failed request as well. Default false. */
  withPrompts?: boolean | undefined;
  /** Never written, wherever it turns up. */
  apiKey: string;
}

export function createFailureLog({ logger, withPrompts = false, apiKey }: FailureLogOptions): FailureLog {
  return {
    failed({ problem, waitMs, ...attempt }, { labels, request }) {
      logger.warn(
        {
          type: problem,
          ...attempt,
          conversation: labels.conversation,
          ...(waitMs === undefined ? {} : { nextAttemptInMs: waitMs }),
          ...(withPrompts
            ? { messages: JSON.parse(withoutKeys(JSON.stringify(request.messages), apiKey)) }
            : {}),
        },
        "attempt failed",
      );
    },
  };
}
