/** The provider's files and batches: the few calls that are needed of them, each with a clear error. */
import { OpenAIClient } from "@langchain/openai";
import type { KeySource } from "../../vault/find-key.ts";
import { ModelError, modelError } from "../model-error.ts";
import { BATCH_ENDPOINT } from "./batch-line.ts";
import { type BatchResult, resultOf } from "./batch-results.ts";
import { batchFrom, isCancellable, type ProviderBatch } from "./provider-batch.ts";

export interface BatchClientOptions {
  apiKey: string;
  keySource?: KeySource | undefined;
  /** Any server with OpenAI's Batch API. Default: OpenAI's. */
  baseUrl?: string | undefined;
  fetch?: typeof globalThis.fetch | undefined;
  /** Milliseconds since 1970. Default: Date.now. */
  clock?: (() => number) | undefined;
}

/** The provider's Batch API, as far as it is needed. */
export interface BatchClient {
  /** Uploads a file of requests. Its name is ours, and finds it again. */
  upload(name: string, parts: readonly string[], signal?: AbortSignal): Promise<string>;
  /** The latest file of that name, among those uploaded since then; undefined: there is none. */
  findFile(file: { name: string; since: Date }, signal?: AbortSignal): Promise<string | undefined>;
  /** Sent once: whether it got there when the answer did not, `find` tells. */
  create(
    batch: { fileId: string; metadata: Record<string, string> },
    signal?: AbortSignal,
  ): Promise<ProviderBatch>;
  /** The batch whose metadata has this value, among those created since then; undefined: there is none. */
  find(
    key: { name: string; value: string; since: Date },
    signal?: AbortSignal,
  ): Promise<ProviderBatch | undefined>;
  retrieve(id: string, signal?: AbortSignal): Promise<ProviderBatch>;
  /** One that is over by now, or as good as over, is given back as it is. */
  cancel(id: string, signal?: AbortSignal): Promise<ProviderBatch>;
  /** What a file says became of its requests, as it is read: memory holds some lines of it. Undefined: a line that is none. */
  results(
    file: { fileId: string; model: string },
    signal?: AbortSignal,
  ): AsyncGenerator<BatchResult | undefined>;
  /** Deletes a file at the provider, if it is still there. */
  remove(fileId: string, signal?: AbortSignal): Promise<void>;
}

/** Files take longer than other calls. */
const TIMEOUT_MS = 600_000;
const CREATE_TIMEOUT_MS = 30_000;
/** Files that are left behind go by themselves. */
const EXPIRES = { anchor: "created_at", seconds: 30 * 24 * 3600 } as const;
const PAGE = 100;
/** The provider's clock and the database's may differ by that much. */
const CLOCKS_DIFFER_S = 900;
/** An answer is some kilobytes; a longer line is none. */
const MOST_LINE_CHARACTERS = 32 * 2 ** 20;

/** In the provider's seconds. */
const earliest = (since: Date) => since.getTime() / 1000 - CLOCKS_DIFFER_S;

/** Whether the provider knows nothing of what was asked for. */
export const isUnknown = (error: unknown): error is ModelError =>
  error instanceof ModelError && error.status === 404;

/** What the provider answers where a batch cannot be cancelled any more. */
const isConflict = (error: unknown): error is ModelError =>
  error instanceof ModelError && error.status === 409;

/** Whoever gets it has no use for advice about models. */
function unknownBatch(id: string, cause: ModelError): ModelError {
  const { code, model, status, providerCode, requestId, isRetryable, mayBeBilled } = cause;
  const message = `${model}: the project of this key does not know the batch ${id}. Use the key that it was sent with, or another of the same project.`;
  const fields = { model, status, providerCode, requestId, isRetryable, mayBeBilled };
  return new ModelError(code, message, fields, cause);
}

/** The lines of a body, whole ones only, as they arrive. */
async function* linesOf(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const part of body) {
    rest += decoder.decode(part, { stream: true });
    const lines = rest.split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) if (line.trim() !== "") yield line;
    // Cut, it is no JSON any more: one line that cannot be read.
    rest = rest.slice(0, MOST_LINE_CHARACTERS);
  }
  rest += decoder.decode();
  if (rest.trim() !== "") yield rest;
}

export function createBatchClient(options: BatchClientOptions): BatchClient {
  const { apiKey, keySource, clock = Date.now } = options;
  const client = new OpenAIClient({
    apiKey,
    baseURL: options.baseUrl,
    fetch: options.fetch,
    timeout: TIMEOUT_MS,
    logLevel: "off",
    // A redirect would take the key and the prompts to an address that nobody named.
    fetchOptions: { redirect: "manual" },
  });

  /** @throws ModelError for what the provider or the network did wrong; the signal's reason when it is aborted */
  async function told<T>(signal: AbortSignal | undefined, call: () => Promise<T>): Promise<T> {
    signal?.throwIfAborted();
    try {
      return await call();
    } catch (error) {
      signal?.throwIfAborted();
      throw modelError(error, { model: "Batch API", key: apiKey, keySource, now: clock() }) ?? error;
    }
  }

  const toldOf = (
    id: string,
    signal: AbortSignal | undefined,
    call: () => Promise<OpenAIClient.Batches.Batch>,
  ): Promise<ProviderBatch> =>
    told(signal, async () => batchFrom(await call(), apiKey)).catch((error: unknown) => {
      throw isUnknown(error) ? unknownBatch(id, error) : error;
    });

  return {
    upload: (name, parts, signal) =>
      told(signal, async () => {
        const file = new File([...parts], name, { type: "application/jsonl" });
        const { id } = await client.files.create(
          { file, purpose: "batch", expires_after: EXPIRES },
          { signal },
        );
        return id;
      }),
    findFile: ({ name, since }, signal) =>
      told(signal, async () => {
        const query = { purpose: "batch", order: "desc", limit: PAGE } as const;
        for await (const file of client.files.list(query, { signal })) {
          if (file.filename === name) return file.id;
          if (file.created_at < earliest(since)) return undefined;
        }
        return undefined;
      }),
    create: ({ fileId, metadata }, signal) =>
      told(signal, async () =>
        batchFrom(
          await client.batches.create(
            { input_file_id: fileId, endpoint: BATCH_ENDPOINT, completion_window: "24h", metadata },
            // Sent again by itself, it could be made twice; and whoever looks for it waits longer than this.
            { signal, maxRetries: 0, timeout: CREATE_TIMEOUT_MS },
          ),
          apiKey,
        ),
      ),
    find: ({ name, value, since }, signal) =>
      told(signal, async () => {
        for await (const batch of client.batches.list({ limit: PAGE }, { signal })) {
          if (batch.metadata?.[name] === value) return batchFrom(batch, apiKey);
          if (batch.created_at < earliest(since)) return undefined;
        }
        return undefined;
      }),
    retrieve: (id, signal) => toldOf(id, signal, () => client.batches.retrieve(id, { signal })),
    async cancel(id, signal) {
      try {
        return await toldOf(id, signal, () => client.batches.cancel(id, { signal }));
      } catch (error) {
        if (!isConflict(error)) throw error;
        const batch = await toldOf(id, signal, () => client.batches.retrieve(id, { signal }));
        if (isCancellable(batch)) throw error;
        return batch;
      }
    },
    async *results({ fileId, model }, signal) {
      const response = await told(signal, () => client.files.content(fileId, { signal }));
      if (response.body === null) return;
      // Of a proxy, most likely: its lines say nothing about any request.
      if (response.headers.get("content-type")?.startsWith("text/html"))
        await told(signal, () => Promise.reject(new SyntaxError("A page instead of a file.")));
      const lines = linesOf(response.body);
      for (;;) {
        const next = await told(signal, () => lines.next());
        if (next.done) return;
        yield resultOf(next.value, { apiKey, model, now: clock() });
      }
    },
    remove: (fileId, signal) =>
      told(signal, async () => {
        await client.files.delete(fileId, { signal });
      }).catch((error: unknown) => {
        if (!isUnknown(error)) throw error;
      }),
  };
}
