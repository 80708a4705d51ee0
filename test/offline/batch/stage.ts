/** A server with a clock in the test's hand, the official client, and batches in a few words. */
import { OpenAIClient } from "@langchain/openai";
import type { ResultLine } from "../../../src/offline/batch/protocol.ts";
import type { OfflineServerOptions } from "../../../src/offline/server.ts";
import { requestOf, startServer } from "../fixture.ts";

export type Batch = OpenAIClient.Batches.Batch;

export const START_MS = 1_800_000_000_000;
export const HOUR_MS = 3_600_000;

/** A line of a batch's file that is as it should be, but for what is said. */
export const lineOf = (
  customId: string,
  { body = {}, ...more }: { body?: Parameters<typeof requestOf>[0] } & Record<string, unknown> = {},
) => ({
  custom_id: customId,
  method: "POST",
  url: "/v1/chat/completions",
  body: requestOf(body),
  ...more,
});

/** So many lines, named after their numbers, each with a prompt of its own. */
export const linesOf = (count: number, prefix = "request") =>
  Array.from({ length: count }, (_, index) =>
    lineOf(`${prefix}-${index}`, { body: { messages: [{ role: "user", content: `Tide ${index}?` }] } }),
  );

export const inJsonLines = (lines: readonly unknown[]) =>
  lines.map((line) => (typeof line === "string" ? line : JSON.stringify(line))).join("\n");

export interface ResultBody {
  object?: string;
  model?: string;
  service_tier?: string;
  choices?: { message: { content: string } }[];
  usage?: { prompt_tokens: number; prompt_tokens_details: { cached_tokens: number } };
  error?: { message: string; code: string | null; param: string | null };
}

export type Result = ResultLine & { response: { body: ResultBody } | null };

export function openStage(options: Partial<OfflineServerOptions> = {}) {
  let now = START_MS;
  const server = startServer({ clock: () => now, ...options });
  const client = new OpenAIClient({ apiKey: "sk-test", fetch: server.fetch, maxRetries: 0 });

  const upload = (lines: readonly unknown[] | string, name = "wave.jsonl") =>
    client.files.create({
      purpose: "batch",
      file: new File([typeof lines === "string" ? lines : inJsonLines(lines)], name),
    });

  const create = (fileId: string, more: Partial<OpenAIClient.Batches.BatchCreateParams> = {}) =>
    client.batches.create({
      input_file_id: fileId,
      endpoint: "/v1/chat/completions",
      completion_window: "24h",
      ...more,
    });

  return {
    server,
    client,
    upload,
    create,
    wait(milliseconds: number) {
      now += milliseconds;
    },
    /** Uploads the lines and makes a batch of them. */
    async submit(lines: readonly unknown[] | string): Promise<Batch> {
      return await create((await upload(lines)).id);
    },
    look: (batch: { id: string }) => client.batches.retrieve(batch.id),
    /** Lines of an output or error file. */
    async results(fileId: string | null | undefined): Promise<Result[]> {
      if (fileId === null || fileId === undefined) throw new Error("expected a file");
      const text = await (await client.files.content(fileId)).text();
      return text
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line) as Result);
    },
  };
}
