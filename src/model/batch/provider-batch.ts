/** A batch as the provider tells of it. */
import type { OpenAIClient } from "@langchain/openai";
import { z } from "zod";
import { mapTexts, withoutKeys } from "../../domain/secrets.ts";
import { soundName } from "../model-error.ts";

/** Why a batch was refused as a whole, or one line of it. */
export interface BatchProblem {
  code: string;
  message: string;
  /** Of the input file, counted from 1. */
  line: number | undefined;
}

/** How a batch is; it ends as `completed`, `failed` (refused as a whole), `expired` or `cancelled`. A provider may have further ones, none of them an end. */
export type BatchStatus = OpenAIClient.Batches.Batch["status"];

/** Our name of a batch, in the metadata of each that we send: found by it, one whose answer was lost is not sent twice. */
export const OUR_ID = "batch";

/** A batch as the provider tells of it. */
export interface ProviderBatch {
  id: string;
  status: BatchStatus;
  inputFileId: string;
  /** Of the requests that were answered; undefined: there are none, or the batch is not over yet. */
  outputFileId: string | undefined;
  /** Of the requests that failed, or that the batch did not come to; undefined as above. */
  errorFileId: string | undefined;
  /** Requests of the input file; 0 while the file is being checked, and where the provider tells no number. */
  total: number;
  /** Requests that were answered until now. */
  completed: number;
  /** Requests that failed until now; those that the batch did not come to are in neither. */
  failed: number;
  /** Why it was refused, where its status is `failed`. */
  problems: BatchProblem[];
  metadata: Readonly<Record<string, string>>;
  /** Milliseconds since 1970, of whole seconds; undefined: the provider did not tell. */
  createdAt: number | undefined;
}

/** Of a store's column. */
const MOST_REQUESTS = 2 ** 31 - 1;
const MOST_SAID = 300;

const countSchema = z.int().min(0).max(MOST_REQUESTS).catch(0);
const fileSchema = z.string().min(1).optional().catch(undefined);
const problemSchema = z.looseObject({
  code: z.unknown(),
  message: z.string().catch("no reason was given"),
  line: z.int().min(1).optional().catch(undefined),
});
/** Only without an id, a status or a file is it no batch. */
const batchSchema = z.looseObject({
  id: z.string().min(1),
  // Others may come: none of them is an end.
  status: z.string().min(1),
  input_file_id: z.string().min(1),
  output_file_id: fileSchema,
  error_file_id: fileSchema,
  request_counts: z
    .looseObject({ total: countSchema, completed: countSchema, failed: countSchema })
    .catch({ total: 0, completed: 0, failed: 0 }),
  errors: z.looseObject({ data: z.array(problemSchema) }).catch({ data: [] }),
  metadata: z.record(z.string(), z.string()).catch({}),
  // Seconds.
  created_at: z.number().optional().catch(undefined),
});

/** Postgres takes neither U+0000 nor half a pair of surrogates. */
export const storable = (text: string): string => text.toWellFormed().replaceAll("\u0000", "\uFFFD");

/** What the provider says, without keys, and not all of it. */
export const saidOf = (message: string, apiKey: string): string =>
  withoutKeys(message, apiKey).slice(0, MOST_SAID).toWellFormed();

/** @throws SyntaxError for what is no batch, as of an answer that is no JSON */
export function batchFrom(said: unknown, apiKey: string): ProviderBatch {
  const { success, data: batch } = batchSchema.safeParse(mapTexts(said, storable));
  if (!success) throw new SyntaxError("The answer is no batch.");
  return {
    id: batch.id,
    status: batch.status as BatchStatus,
    inputFileId: batch.input_file_id,
    outputFileId: batch.output_file_id,
    errorFileId: batch.error_file_id,
    total: batch.request_counts.total,
    completed: batch.request_counts.completed,
    failed: batch.request_counts.failed,
    problems: batch.errors.data.map(({ code, message, line }) => ({
      code: soundName(code, apiKey) ?? "unknown",
      message: saidOf(message, apiKey),
      line,
    })),
    metadata: batch.metadata,
    createdAt: batch.created_at === undefined ? undefined : batch.created_at * 1000,
  };
}

const CANCELLABLE: ReadonlySet<BatchStatus> = new Set(["validating", "in_progress"]);
const OVER: ReadonlySet<string> = new Set(["completed", "failed", "expired", "cancelled"]);

export const isCancellable = ({ status }: ProviderBatch): boolean => CANCELLABLE.has(status);
/** Whether nothing more becomes of it. */
export const isOver = ({ status = "" }: { status?: string | undefined }): boolean => OVER.has(status);
