/** The lines of a file of recorded exchanges: a header, a line for every run, and one for every exchange. */
import { z } from "zod";
import { attemptSchema } from "../../domain/attempt.ts";
import { REQUEST_FAILURES } from "../../domain/errors.ts";
import { mapTexts, withoutKeyShapes, withoutKeys } from "../../domain/secrets.ts";
import { PURPOSES, SENT_TIERS } from "../../domain/usage.ts";
import { completionSchema } from "../completion-schema.ts";
import type { ChatRequest, Completion } from "../exchange.ts";
import { decidingParameters, digestOf } from "../request-digest.ts";

/** Changes when a line's shape does. */
export const EXCHANGE_FILE_VERSION = 1;
const FORMAT = "dramatis-exchanges";

/** What a recording may take. One of 48 turns, 76 requests, takes 1.4 MB. */
export const MAX_FILE_BYTES = 256 * 2 ** 20;
export const MAX_LINE_BYTES = 16 * 2 ** 20;

/** Later than that there are no dates; ECMA-262, 21.4.1.1. */
const LATEST = 8.64e15;

const at = z.int().min(0).max(LATEST).describe("Milliseconds since 1970.");

const headerSchema = z.strictObject({
  kind: z.literal("header"),
  format: z.literal(FORMAT),
  version: z.literal(EXCHANGE_FILE_VERSION),
  transport: z.enum(["network", "offline"]),
  at,
});
export type Header = z.output<typeof headerSchema>;

const runSchema = z.strictObject({
  kind: z.literal("run"),
  at,
  scenario: z.string(),
  seed: z.int().min(0).optional(),
  topic: z.string().optional(),
  opening: z.string().optional(),
  context: z.record(z.string(), z.unknown()),
});
/** What a run began with. */
export type RunLine = z.output<typeof runSchema>;

/** How a run ended. */
const endSchema = z.strictObject({ kind: z.literal("end"), at, status: z.string() });
export type EndLine = z.output<typeof endSchema>;

const failureSchema = z.strictObject({
  code: z.enum(REQUEST_FAILURES),
  message: z.string(),
  status: z.int().optional(),
  providerCode: z.string().optional(),
  requestId: z.string().optional(),
  retryAfterMs: z.number().min(0).optional(),
  isRetryable: z.boolean(),
  mayBeBilled: z.boolean(),
});

const exchangeSchema = z
  .strictObject({
    kind: z.literal("exchange"),
    at: at.describe("When the answer was there."),
    turn: z.int().min(0).optional(),
    persona: z.string().optional(),
    purpose: z.enum(PURPOSES),
    digest: z.string().regex(/^[0-9a-f]{64}$/),
    request: z.record(z.string(), z.unknown()),
    attempts: z.array(attemptSchema),
    requestId: z.string().optional(),
    fromCache: z.literal(true).optional(),
    tier: z.enum(SENT_TIERS).exclude(["standard"]).optional(),
    completion: completionSchema.optional(),
    failure: failureSchema.optional(),
  })
  .refine(({ completion, failure }) => (completion === undefined) !== (failure === undefined), {
    message: "expected either a completion or a failure",
  });
export type ExchangeLine = Omit<z.output<typeof exchangeSchema>, "completion"> & {
  completion?: Completion | undefined;
};

export const lineSchema = z.discriminatedUnion("kind", [headerSchema, runSchema, endSchema, exchangeSchema]);
export type FileLine = Header | RunLine | EndLine | ExchangeLine;

export const header = (transport: Header["transport"], now: number): Header => ({
  kind: "header",
  format: FORMAT,
  version: EXCHANGE_FILE_VERSION,
  transport,
  at: now,
});

/** A request as it is kept and compared: what decides its answer, without keys. */
export const keptRequest = (request: ChatRequest, apiKey: string | undefined): Record<string, unknown> =>
  mapTexts(decidingParameters(request), (text) => withoutKeys(text, apiKey)) as Record<string, unknown>;

export const digestOfKept = (request: Record<string, unknown>): string => digestOf(request);

/** A completion without keys. What is merely called a key stays: it may be a persona's own words. */
export const keptCompletion = (completion: Completion, apiKey: string | undefined): Completion =>
  mapTexts(completion, (text) => withoutKeyShapes(text, apiKey)) as Completion;

/** What a run began with, without keys. */
export const keptRun = (run: RunLine, apiKey: string | undefined): RunLine =>
  mapTexts(run, (text) => withoutKeys(text, apiKey)) as RunLine;
