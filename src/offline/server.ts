/**
 * The offline server: OpenAI's chat completions without OpenAI. It is stricter than the provider, counts tokens and
 * money by itself, and never pretends: every answer carries the fingerprint `offline`.
 */
import { type Context, Hono } from "hono";
import { ApiError, errorBody } from "./api-error.ts";
import { type Bill, createBill } from "./bill.ts";
import { createChatHandler } from "./chat.ts";
import { type Connection, inProcessFetch } from "./connection.ts";
import { generateReply } from "./generator/generator.ts";
import { type Listening, listen } from "./listen.ts";
import { createPromptCache } from "./prompt-cache.ts";
import type { Generator } from "./protocol.ts";
import { createRateLimiter, DEFAULT_RATE_LIMIT, type RateLimit } from "./rate-limit.ts";
import { createRequestLog, type OpenRecord, type RecordedRequest } from "./request-log.ts";
import { createScript, type Script } from "./script.ts";
import { type ServedModel, serveModels } from "./served-models.ts";
import { parseBody } from "./validation.ts";

export interface OfflineServerOptions {
  /** The models it serves: their limits and prices. A dated snapshot is served as its base model. */
  models: readonly ServedModel[];
  /** Writes the answers that no script step gives. Default: plausible ones of any demanded shape. */
  generator?: Generator | undefined;
  /** Milliseconds since 1970; default the system's. */
  clock?: (() => number) | undefined;
  /** Per model. Default: higher than one machine can reach. */
  rateLimit?: RateLimit | undefined;
  /** When set, any other bearer key gets a 401. */
  apiKey?: string | undefined;
  /** Milliseconds before an answer begins; default 0. */
  latencyMs?: number | undefined;
  /** How many of the latest requests are kept in memory. Default, and true: 10,000; false: none. */
  recordRequests?: boolean | number | undefined;
}

export type { RecordedRequest } from "./request-log.ts";

export interface OfflineServer {
  /** Answers in process, without a socket; the host of the address does not matter. */
  fetch: typeof globalThis.fetch;
  /** Serves on 127.0.0.1; port 0, the default, takes any free one. Throws `port-in-use`. */
  listen(port?: number): Promise<Listening>;
  script: Script;
  /** The latest requests, oldest first. */
  readonly requests: readonly RecordedRequest[];
  /** What the provider would have charged so far. */
  readonly bill: Bill;
  /** Contracts the generator broke; each was answered with a 500. Tests expect none. */
  readonly faults: readonly Error[];
  /**
   * Forgets what prompts it read, the requests and the bill, so that the next run costs what it would on a new server.
   * Call it between runs: answers that are still on their way are charged afterwards. Ids go on counting.
   */
  reset(): void;
}

type Env = {
  Bindings: { connection: Connection };
  Variables: { record: OpenRecord; connection: Connection };
};

function masked(key: string): string {
  const shown = key.length >= 12 ? { start: 3, end: 4 } : { start: 0, end: 0 };
  const hidden = "*".repeat(key.length - shown.start - shown.end);
  return key.slice(0, shown.start) + hidden + key.slice(key.length - shown.end);
}

function checkKey(authorization: string | undefined, expected: string): void {
  const given = /^Bearer (.+)$/.exec(authorization ?? "")?.[1];
  if (given === expected) return;
  throw given === undefined
    ? new ApiError(
        401,
        "You didn't provide an API key. Send it in an Authorization header using Bearer auth.",
      )
    : new ApiError(401, `Incorrect API key provided: ${masked(given)}.`, { code: "invalid_api_key" });
}

const describeModel = (id: string) => ({ id, object: "model", created: 0, owned_by: "offline" });

async function readBody(c: Context<Env>): Promise<unknown> {
  const text = await c.req.text();
  c.var.record.body = text;
  const body = parseBody(text);
  c.var.record.body = body;
  return body;
}

/**
 * Opens a server that holds no resources until it listens.
 * @throws InvalidFilesError for models that are none; DramatisError `invalid-argument`.
 */
export function createOfflineServer(options: OfflineServerOptions): OfflineServer {
  const { clock = Date.now } = options;
  const log = createRequestLog(options.recordRequests);
  const models = serveModels(options.models);
  const script = createScript();
  const cache = createPromptCache();
  const bill = createBill();
  const faults: Error[] = [];

  const chat = createChatHandler({
    models,
    generator: options.generator ?? generateReply,
    clock,
    limiter: createRateLimiter(options.rateLimit ?? DEFAULT_RATE_LIMIT, clock),
    script,
    cache,
    bill,
    latencyMs: options.latencyMs ?? 0,
  });

  const app = new Hono<Env>();
  app.use(async (c, next) => {
    const startedAt = clock();
    const record = log.open(c.req.raw);
    c.set("record", record);
    const { signal, drop, cut } = c.env.connection;
    let isDropped = false;
    c.set("connection", {
      signal,
      cut,
      drop() {
        isDropped = true;
        return drop();
      },
    });
    await next();
    if (isDropped || signal.aborted) return;
    record.status = c.res.status;
    c.header("x-request-id", record.id);
    c.header("openai-version", "2020-10-01");
    c.header("openai-processing-ms", String(Math.max(0, Math.round(clock() - startedAt))));
  });
  app.use(async (c, next) => {
    if (options.apiKey !== undefined) checkKey(c.req.header("authorization"), options.apiKey);
    await next();
  });

  app.post("/v1/chat/completions", async (c) => chat(await readBody(c), c.var.connection));
  app.get("/v1/models", (c) => c.json({ object: "list", data: models.ids.map(describeModel) }));
  app.get("/v1/models/:id", (c) => {
    const id = c.req.param("id");
    if (models.find(id)) return c.json(describeModel(id));
    throw new ApiError(404, `The model '${id}' does not exist`, { param: "model", code: "model_not_found" });
  });
  app.notFound((c) => c.json(errorBody(`Invalid URL (${c.req.method} ${c.req.path})`), 404));
  app.onError((error, c) => {
    // Nobody is there to read it; only the framework wants a response.
    if (c.env.connection.signal.aborted) return c.body(null);
    if (error instanceof ApiError) {
      const headers = { "content-type": "application/json", ...error.headers };
      return new Response(JSON.stringify(error.body), { status: error.status, headers });
    }
    faults.push(error);
    const body = errorBody(`The offline server failed: ${error.message}`, { type: "server_error" });
    // A bug stays a bug however often it is tried.
    return c.json(body, 500, { "x-should-retry": "false" });
  });

  const handle = (request: Request, connection: Connection) => app.fetch(request, { connection });
  return {
    fetch: inProcessFetch(handle),
    listen: (port = 0) => listen(handle, port),
    script,
    requests: log.requests,
    get bill() {
      return bill.read();
    },
    faults,
    reset() {
      cache.clear();
      bill.clear();
      log.clear();
    },
  };
}
