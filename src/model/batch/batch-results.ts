/** What the lines of a batch's output and error files say became of its requests. */
import { OpenAIClient } from "@langchain/openai";
import { z } from "zod";
import { DramatisError } from "../../domain/errors.ts";
import { mapTexts } from "../../domain/secrets.ts";
import { completionSchema } from "../completion-schema.ts";
import type { Completion } from "../exchange.ts";
import { NoCompletion, soundName } from "../model-error.ts";
import { keptCompletion } from "../recording/exchange-lines.ts";
import { type KeptFailure, keptFailure, type Outcome } from "../recording/outcome.ts";
import { type BatchProblem, type BatchStatus, saidOf, storable } from "./provider-batch.ts";

/** What became of one request of a batch. */
export interface BatchResult {
  customId: string;
  outcome: Outcome;
}

const resultSchema = z.looseObject({
  custom_id: z.string().min(1),
  response: z
    .looseObject({ status_code: z.int(), request_id: z.string().nullish(), body: z.unknown() })
    .nullish(),
  error: z.looseObject({ code: z.string().nullish(), message: z.string().nullish() }).nullish(),
});

export interface ResultParts {
  /** Never shown, and taken out of what comes. */
  apiKey: string;
  model: string;
  /** Milliseconds since 1970. */
  now: number;
}

/** The provider's code for a request that its batch did not come to before it was cancelled. */
export const BATCH_CANCELLED = "batch_cancelled";

/** A request that a batch did not come to: it was not billed, and may be made again. Cancelled, it is made only where it is asked for. */
const unmade = (model: string, code: string, said: string): KeptFailure => ({
  code: code === BATCH_CANCELLED ? "batch-cancelled" : "timed-out",
  message: `${model}: ${said}`,
  providerCode: code,
  isRetryable: code !== BATCH_CANCELLED,
  mayBeBilled: false,
});

/** What whoever finds requests of a cancelled batch is told: whose doing it may have been, and how to have them made. */
export const cancelledOf = (
  failure: KeptFailure,
  { model, batch, next }: { model: string; batch: string; next: string },
): KeptFailure => ({
  ...failure,
  message: `${model}: the batch ${batch} was cancelled before this request was made, by dramatis batches cancel or at the provider's own site. ${next}`,
});

const WITHOUT_RESULT: Partial<Record<BatchStatus, (model: string) => KeptFailure>> = {
  expired: (model) =>
    unmade(model, "batch_expired", "the batch's window ended before this request was made."),
  cancelled: (model) =>
    unmade(model, BATCH_CANCELLED, "the batch was cancelled before this request was made."),
};

/** A request that may have been made, of which nothing is known. */
export const lost = (model: string): KeptFailure => ({
  code: "lost",
  message: `${model}: the batch has ended, and of this request nothing came back.`,
  isRetryable: true,
  mayBeBilled: true,
});

/** A request of a batch that is over, of which no file says anything. */
export const withoutResult = (model: string, status: BatchStatus): KeptFailure =>
  WITHOUT_RESULT[status]?.(model) ?? lost(model);

/** A request that its batch was refused for, or with. */
export const refusal = (model: string, { code, message, line }: BatchProblem): KeptFailure => ({
  code: "bad-request",
  message: `${model}: the batch was refused${line === undefined ? "" : ` for its line ${line}`}: ${message}`,
  providerCode: code,
  isRetryable: false,
  mayBeBilled: false,
});

function parsed(line: string): z.output<typeof resultSchema> | undefined {
  try {
    return resultSchema.parse(mapTexts(JSON.parse(line), storable));
  } catch (cause) {
    if (cause instanceof SyntaxError || cause instanceof z.ZodError) return undefined;
    throw cause;
  }
}

/** What is told of lines that are none; what they were about is lost, as nobody knows what became of which request. */
export const unreadable = (lines: number) =>
  new DramatisError(
    "run-failed",
    `Batch API: ${lines} ${lines === 1 ? "line" : "lines"} of a result file cannot be read: expected objects with custom_id and response or error. Their requests count as lost.`,
  );

/** One line of a file; undefined: it is none. */
export function resultOf(line: string, { apiKey, model, now }: ResultParts): BatchResult | undefined {
  const result = parsed(line);
  if (result === undefined) return undefined;
  const { custom_id: customId, response, error } = result;
  if (response == null) {
    const said = saidOf(error?.message ?? "The batch did not come to this request.", apiKey);
    return {
      customId,
      outcome: { failure: unmade(model, soundName(error?.code, apiKey) ?? "unknown", said) },
    };
  }
  const requestId = soundName(response.request_id ?? undefined, apiKey);
  const attempted = { model, key: apiKey, now };
  if (response.status_code !== 200) {
    const headers = new Headers(requestId === undefined ? {} : { "x-request-id": requestId });
    const thrown = OpenAIClient.APIError.generate(
      response.status_code,
      typeof response.body === "object" && response.body !== null ? response.body : undefined,
      undefined,
      headers,
    );
    return { customId, outcome: { failure: keptFailure(thrown, attempted), requestId } };
  }
  if (completionSchema.safeParse(response.body).success) {
    return {
      customId,
      outcome: { completion: keptCompletion(response.body as Completion, apiKey), requestId },
    };
  }
  const thrown = new NoCompletion("The batch answered with something that is no chat completion.");
  return { customId, outcome: { failure: keptFailure(thrown, attempted), requestId } };
}
