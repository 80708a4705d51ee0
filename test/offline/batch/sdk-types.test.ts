/** What goes over the wire, against the official client's types when this compiles and by its shape when it runs. */
import type { OpenAIClient } from "@langchain/openai";
import { expect, it } from "vitest";
import { z } from "zod";
import type { BatchOnWire, ResultLine } from "../../../src/offline/batch/protocol.ts";
import type { FileOnWire } from "../../../src/offline/batch/stored-files.ts";
import type { BatchEvent } from "../../../src/offline/batch/webhook.ts";
import { HOUR_MS, lineOf, linesOf, openStage } from "./stage.ts";

/** What the client's types say may be missing is there, as null. */
type OnWire<Type> = {
  [Key in keyof Type]-?: undefined extends Type[Key] ? Exclude<Type[Key], undefined> | null : Type[Key];
};

const asClientFile = (file: FileOnWire) => file satisfies OnWire<OpenAIClient.FileObject>;
const asClientBatch = (batch: BatchOnWire) => batch satisfies OnWire<OpenAIClient.Batches.Batch>;
const asClientEvent = (event: Omit<BatchEvent, "type">) => [
  { ...event, type: "batch.completed" } satisfies OnWire<OpenAIClient.Webhooks.BatchCompletedWebhookEvent>,
  { ...event, type: "batch.failed" } satisfies OnWire<OpenAIClient.Webhooks.BatchFailedWebhookEvent>,
  { ...event, type: "batch.expired" } satisfies OnWire<OpenAIClient.Webhooks.BatchExpiredWebhookEvent>,
  { ...event, type: "batch.cancelled" } satisfies OnWire<OpenAIClient.Webhooks.BatchCancelledWebhookEvent>,
];

const seconds = z.int().min(1_000_000_000).max(10_000_000_000);
const fileSchema = z.strictObject({
  object: z.literal("file"),
  id: z.string().startsWith("file-"),
  bytes: z.int().min(1),
  created_at: seconds,
  expires_at: seconds,
  filename: z.string().endsWith(".jsonl"),
  purpose: z.enum(["batch", "batch_output"]),
  status: z.literal("processed"),
  status_details: z.null(),
}) satisfies z.ZodType<FileOnWire>;

const count = z.int().min(0);
const batchSchema = z.strictObject({
  object: z.literal("batch"),
  id: z.string().startsWith("batch_"),
  endpoint: z.literal("/v1/chat/completions"),
  model: z.string().nullable(),
  errors: z
    .strictObject({
      object: z.literal("list"),
      data: z.array(
        z.strictObject({
          code: z.string(),
          line: z.int().min(1).nullable(),
          message: z.string(),
          param: z.string().nullable(),
        }),
      ),
    })
    .nullable(),
  input_file_id: z.string().startsWith("file-"),
  completion_window: z.literal("24h"),
  status: z.enum([
    "validating",
    "failed",
    "in_progress",
    "finalizing",
    "completed",
    "expired",
    "cancelling",
    "cancelled",
  ]),
  output_file_id: z.string().startsWith("file-").nullable(),
  error_file_id: z.string().startsWith("file-").nullable(),
  created_at: seconds,
  in_progress_at: seconds.nullable(),
  expires_at: seconds,
  finalizing_at: seconds.nullable(),
  completed_at: seconds.nullable(),
  failed_at: seconds.nullable(),
  expired_at: seconds.nullable(),
  cancelling_at: seconds.nullable(),
  cancelled_at: seconds.nullable(),
  request_counts: z.strictObject({ total: count, completed: count, failed: count }),
  usage: z.strictObject({
    input_tokens: count,
    input_tokens_details: z.strictObject({ cached_tokens: count }),
    output_tokens: count,
    output_tokens_details: z.strictObject({ reasoning_tokens: count }),
    total_tokens: count,
  }),
  metadata: z.record(z.string(), z.string()).nullable(),
}) satisfies z.ZodType<BatchOnWire>;

const pageOf = (row: z.ZodType) =>
  z.strictObject({
    object: z.literal("list"),
    data: z.array(row).min(1),
    first_id: z.string(),
    last_id: z.string(),
    has_more: z.boolean(),
  });

const resultSchema = z
  .strictObject({
    id: z.string().startsWith("batch_req_"),
    custom_id: z.string(),
    response: z
      .strictObject({
        status_code: z.int(),
        request_id: z.string().startsWith("req_"),
        body: z.looseObject({}),
      })
      .nullable(),
    error: z.strictObject({ code: z.string(), message: z.string() }).nullable(),
  })
  .refine(({ response, error }) => (response === null) !== (error === null)) satisfies z.ZodType<ResultLine>;

it("has the client's types", () => {
  // The compiler has checked them by now; what is left is that nothing is turned into anything else.
  const file = {} as FileOnWire;
  const batch = {} as BatchOnWire;
  expect(asClientFile(file)).toBe(file);
  expect(asClientBatch(batch)).toBe(batch);
  const event = { object: "event", id: "evt", created_at: 1, data: { id: "batch" } } as const;
  expect(asClientEvent(event)).toHaveLength(4);
});

it("has its shape in every state and file", async () => {
  const { client, server, submit, results, wait } = openStage({
    batch: {
      validationMs: 1000,
      processingMs: (batch) => (batch === 4 ? Number.POSITIVE_INFINITY : 4000),
      finalizingMs: 1000,
      cancellingMs: 1000,
    },
  });
  const bodyOf = async (path: string, method = "GET"): Promise<unknown> => {
    const response = await server.fetch(`http://offline.test/v1${path}`, { method });
    expect(response.headers.get("content-type")).toBe("application/json");
    return await response.json();
  };
  const done = await submit([...linesOf(3), lineOf("bad", { body: { n: 9 } })]);
  const failed = await submit(["{}"]);
  const cancelled = await submit(linesOf(3, "other"));
  const stalled = await submit(linesOf(2, "late"));
  const seen = new Set<string>();
  const lookAfter = async (milliseconds: number) => {
    wait(milliseconds);
    for (const { id } of [done, failed, cancelled, stalled]) {
      seen.add(batchSchema.parse(await bodyOf(`/batches/${id}`)).status);
    }
  };
  await lookAfter(0);
  await lookAfter(1000);
  wait(1500);
  batchSchema.parse(await bodyOf(`/batches/${cancelled.id}/cancel`, "POST"));
  for (const milliseconds of [0, 2500, 1000, 24 * HOUR_MS]) await lookAfter(milliseconds);
  expect([...seen].sort()).toEqual([...batchSchema.shape.status.options].sort());

  pageOf(batchSchema).parse(await bodyOf("/batches"));
  pageOf(fileSchema).parse(await bodyOf("/files"));
  const completed = await client.batches.retrieve(done.id);
  for (const id of [completed.output_file_id, completed.error_file_id]) {
    fileSchema.parse(await bodyOf(`/files/${id}`));
    for (const line of await results(id)) resultSchema.parse(line);
  }
  const partial = await client.batches.retrieve(cancelled.id);
  for (const line of await results(partial.error_file_id)) resultSchema.parse(line);
  z.strictObject({ id: z.string(), object: z.literal("file"), deleted: z.literal(true) }).parse(
    await bodyOf(`/files/${done.input_file_id}`, "DELETE"),
  );
});
