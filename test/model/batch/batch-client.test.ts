/** What a provider says of a whole batch, over the wire. */
import { expect, it } from "vitest";
import { loadCatalog } from "../../../src/catalog/catalog.ts";
import { createBatchClient } from "../../../src/model/batch/batch-client.ts";
import { resultOf } from "../../../src/model/batch/batch-results.ts";
import { ModelError } from "../../../src/model/model-error.ts";
import { createOfflineServer } from "../../../src/offline/server.ts";

const KEY = "project-key-of-this-test";

/** A batch as it is told when the provider says `odd` of it. */
async function retrieved(odd: Record<string, unknown>) {
  const server = createOfflineServer({ models: [...loadCatalog().models.values()] });
  const client = createBatchClient({
    apiKey: KEY,
    baseUrl: "http://offline.invalid/v1",
    fetch: async (input, init) => {
      const answer = await server.fetch(input, init);
      return String(input).includes("/batches/")
        ? Response.json({ ...((await answer.json()) as object), ...odd })
        : answer;
    },
  });
  const fileId = await client.upload("any.jsonl", ["{}\n"]);
  const { id } = await client.create({ fileId, metadata: { kind: "test" } });
  return await client.retrieve(id);
}

it("is kept without keys, cut, and without characters that no store takes", async () => {
  const data = [
    { code: "token_limit_exceeded", message: `Too much for ${KEY}.`, line: null },
    { code: `no code ${KEY}`, message: `a\u0000b\ud800${"x".repeat(400)}`, line: 2 },
    { code: null, message: null, line: -1 },
  ];
  const { problems } = await retrieved({ status: "failed", errors: { data } });
  expect(problems).toEqual([
    { code: "token_limit_exceeded", message: "Too much for [key removed].", line: undefined },
    { code: "unknown", message: `a\uFFFDb\uFFFD${"x".repeat(296)}`, line: 2 },
    { code: "unknown", message: "no reason was given", line: undefined },
  ]);
});

it("counts as nothing where it is no number of requests, or no list of problems", async () => {
  const odd = {
    request_counts: { total: 2 ** 31, completed: -1, failed: "3" },
    errors: { data: { message: "no list" } },
    metadata: { kind: 7 },
    output_file_id: 5,
  };
  expect(await retrieved(odd)).toMatchObject({
    ...{ total: 0, completed: 0, failed: 0, problems: [], metadata: {}, outputFileId: undefined },
  });
  expect(await retrieved({ request_counts: { total: 3, completed: 2, failed: 1 } })).toMatchObject({
    ...{ total: 3, completed: 2, failed: 1, metadata: { kind: "test" } },
  });
});

it("began at a time in milliseconds, or nobody knows when", async () => {
  expect(await retrieved({ created_at: 1_700_000_000 })).toMatchObject({ createdAt: 1_700_000_000_000 });
  expect(await retrieved({ created_at: "soon" })).toMatchObject({ createdAt: undefined });
});

it("is asked for again where it is none", async () => {
  await expect(retrieved({ status: null })).rejects.toMatchObject({
    code: "server-error",
    isRetryable: true,
  });
});

it("has no half of a character where a reason is cut", () => {
  for (const length of [299, 395, 396, 397, 398, 399]) {
    const message = `${"x".repeat(length)}${"\u{1f600}".repeat(99)}`;
    for (const said of [
      { error: { code: "any", message } },
      { response: { status_code: 400, body: { error: { message } } } },
    ]) {
      const line = JSON.stringify({ custom_id: "a", ...said });
      const { failure } = resultOf(line, { apiKey: KEY, model: "m", now: 0 })?.outcome ?? {};
      expect(failure?.message.isWellFormed()).toBe(true);
    }
  }
});

/** What a call about something that the provider does not know comes to. */
const unknown = (call: Promise<unknown>) => call.then(() => undefined).catch((error: unknown) => error);

it("says of files and batches that nobody knows that they are such, and nothing of models", async () => {
  const server = createOfflineServer({ models: [...loadCatalog().models.values()] });
  const client = createBatchClient({
    apiKey: KEY,
    baseUrl: "http://offline.invalid/v1",
    fetch: server.fetch,
  });
  const results = client.results({ fileId: "file-none", model: "gpt-4.1" });
  const file =
    "Batch API: the project of this key does not know the file file-none. It was deleted or has expired, or is another project's: use the key that its batch was sent with.";
  const read = await unknown(results.next());
  expect(read).toBeInstanceOf(ModelError);
  expect(read).toMatchObject({ status: 404, message: file, requestId: expect.stringMatching(/./) });
  const retrieved = await unknown(client.retrieve("batch_none"));
  expect(retrieved).toMatchObject({
    status: 404,
    message: expect.stringMatching(
      /^Batch API: the project of this key does not know the batch batch_none\./,
    ),
  });
  await expect(client.remove("file-none")).resolves.toBeUndefined();
});
