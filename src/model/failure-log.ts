/** Writes every failed attempt as one JSON line. Without prompts, unless they are asked for; never with a key. */
import { dirname } from "node:path";
import type { Attempt } from "../domain/attempt.ts";
import { mapTexts, withoutKeys } from "../domain/secrets.ts";
import { makeFolders } from "../files/make-folder.ts";
import type { Exchange, Send } from "./exchange.ts";

/** As pino's loggers have it. */
export interface WarningLogger {
  warn(fields: Record<string, unknown>, message: string): void;
}

/** Where failed attempts are logged, and how much of them. */
export interface FailureLogOptions {
  /** A pino logger, or any with such a `warn`. */
  logger: WarningLogger;
  /** Writes the messages of the failed request as well. Default false. */
  withPrompts?: boolean | undefined;
  /** Never written, wherever it turns up. */
  apiKey: string;
}

/** Logs what fails of the requests that `send` answers, before anybody else is told. */
export function withFailureLog({ logger, withPrompts = false, apiKey }: FailureLogOptions) {
  const messagesOf = ({ request }: Exchange) =>
    mapTexts(request.messages, (text) => withoutKeys(text, apiKey));

  function log({ problem, waitMs, ...attempt }: Attempt, exchange: Exchange): void {
    logger.warn(
      {
        type: problem,
        ...attempt,
        conversation: exchange.labels.conversation,
        ...(waitMs === undefined ? {} : { nextAttemptInMs: waitMs }),
        ...(withPrompts ? { messages: messagesOf(exchange) } : {}),
      },
      "attempt failed",
    );
  }

  return (send: Send): Send =>
    (exchange) => {
      const { onAttempt } = exchange;
      exchange.onAttempt = (attempt) => {
        log(attempt, exchange);
        onAttempt?.(attempt);
      };
      return send(exchange);
    };
}

/**
 * A logger that makes its file, and loads pino, with the first line. A line that cannot be written is told to `onLost`:
 * a conversation does not end because its log cannot be kept.
 */
export function logFile(file: string, onLost: (error: unknown) => void): WarningLogger {
  let opening: Promise<WarningLogger> | undefined;
  async function open(): Promise<WarningLogger> {
    const { pino, destination, stdTimeFunctions } = await import("pino");
    makeFolders(dirname(file));
    const lines = destination({ dest: file, sync: true });
    lines.on("error", onLost);
    const logger = pino({ base: null, timestamp: stdTimeFunctions.isoTime }, lines);
    return { warn: (fields, message) => logger.warn(fields, message) };
  }
  return {
    warn(fields, message) {
      opening ??= open();
      opening.then((logger) => logger.warn(fields, message)).catch(onLost);
    },
  };
}
