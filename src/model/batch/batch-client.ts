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

/**
 * The provider's Batch API, as far as it is needed: files, and batches of requests for chat completions, which the provider
 * answers within 24 hours at half the price. Calls that may be made twice are tried again twice.
 *
 * Every method rejects with a ModelError (`unauthorised`, `rate-limited`, `quota-exhausted`, `bad-request`, `timed-out`,
 * `unreachable`, `server-error`; its `model` is "Batch API") for what the provider refuses or the network loses, and with the
 * signal's reason when that is aborted. What the project of the key does not have is known by the `status` 404; the code is
 * then `model-not-found`, as for every 404.
 */
export interface BatchClient {
  /**
   * Uploads a file of requests, which the provider deletes after 30 days. Its name is ours, and finds it again.
   *
   * Each line is a JSON object that ends with a line break: `{"custom_id": …, "method": "POST", "url": "/v1/chat/completions",
   * "body": …}`, where the `custom_id` is in no other line, and the body a request as it is sent one by one, of one model in the
   * whole file. At most 50,000 lines and 200 MB; what is wrong with a file, its batch tells in `problems` and no error here.
   * @param parts the text of the file, joined as it stands; a part may hold many lines, or a piece of one
   * @returns the id of the file, for `create`
   * @throws ModelError
   */
  upload(name: string, parts: readonly string[], signal?: AbortSignal): Promise<string>;
  /**
   * The id of the latest file of that name, among those uploaded since then; undefined: there is none. Clocks may differ by a
   * quarter of an hour: files that are so much older are among them.
   * @throws ModelError
   */
  findFile(file: { name: string; since: Date }, signal?: AbortSignal): Promise<string | undefined>;
  /**
   * Makes a batch of a file. Sent once, within 30 seconds: whether it got there when the answer did not, `find` tells, so put a
   * value of your own into the metadata. At most 16 pairs, with names of at most 64 characters and values of at most 512.
   * @throws ModelError, whose `mayBeBilled` says whether the batch may have been made; `bad-request` for a file that there is not
   */
  create(
    batch: { fileId: string; metadata: Record<string, string> },
    signal?: AbortSignal,
  ): Promise<ProviderBatch>;
  /**
   * The batch whose metadata has this value under this name, among those created since then, as for `findFile`; undefined: there
   * is none, or none yet.
   * @throws ModelError
   */
  find(
    key: { name: string; value: string; since: Date },
    signal?: AbortSignal,
  ): Promise<ProviderBatch | undefined>;
  /**
   * How a batch is now. Its end is heard of by asking now and then, or by OpenAI's webhooks.
   * @throws ModelError, with the `status` 404 for a batch that the project of this key does not have
   */
  retrieve(id: string, signal?: AbortSignal): Promise<ProviderBatch>;
  /**
   * Has the provider end a batch: it is `cancelling` for up to ten minutes, then `cancelled`, and what it has answered until then is
   * paid and in its files. One that is over by now, or as good as over, is given back as it is.
   * @throws ModelError, with the `status` 404 for a batch that the project of this key does not have
   */
  cancel(id: string, signal?: AbortSignal): Promise<ProviderBatch>;
  /**
   * What an output or error file says became of its requests, in any order, as it is read: memory holds some lines of it.
   * Undefined: a line that is none.
   * @param file `model` is the one that the requests were made to: the files need not say it, and messages of failures begin with it
   * @throws ModelError, with the `status` 404 for a file that there is not, or not any more; once it is thrown, what came before
   * is not the whole
   */
  results(
    file: { fileId: string; model: string },
    signal?: AbortSignal,
  ): AsyncGenerator<BatchResult | undefined>;
  /**
   * Deletes a file at the provider, if it is still there.
   * @throws ModelError
   */
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

/** What is said of a batch or a file that the provider does not know. */
const unknownBatch = (id: string) =>
  `the project of this key does not know the batch ${id}. Use the key that it was sent with, or another of the same project.`;
const unknownFile = (id: string) =>
  `the project of this key does not know the file ${id}. It was deleted or has expired, or is another project's: use the key that its batch was sent with.`;

/** Whoever gets it has no use for advice about models. */
function unknownHere(said: string, cause: ModelError): ModelError {
  const { code, model, status, providerCode, requestId, isRetryable, mayBeBilled } = cause;
  const fields = { model, status, providerCode, requestId, isRetryable, mayBeBilled };
  return new ModelError(code, `${model}: ${said}`, fields, cause);
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

  /** The same, where the provider may not know what it is asked about. */
  const toldOf = <T>(said: string, signal: AbortSignal | undefined, call: () => Promise<T>): Promise<T> =>
    told(signal, call).catch((error: unknown) => {
      throw isUnknown(error) ? unknownHere(said, error) : error;
    });

  const batchOf = (
    id: string,
    signal: AbortSignal | undefined,
    call: () => Promise<OpenAIClient.Batches.Batch>,
  ): Promise<ProviderBatch> => toldOf(unknownBatch(id), signal, async () => batchFrom(await call(), apiKey));

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
    retrieve: (id, signal) => batchOf(id, signal, () => client.batches.retrieve(id, { signal })),
    async cancel(id, signal) {
      try {
        return await batchOf(id, signal, () => client.batches.cancel(id, { signal }));
      } catch (error) {
        if (!isConflict(error)) throw error;
        const batch = await batchOf(id, signal, () => client.batches.retrieve(id, { signal }));
        if (isCancellable(batch)) throw error;
        return batch;
      }
    },
    async *results({ fileId, model }, signal) {
      const response = await toldOf(unknownFile(fileId), signal, () =>
        client.files.content(fileId, { signal }),
      );
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
