/**
 * The offline server: OpenAI's chat completions without OpenAI. It is stricter than the provider, counts tokens and
 * money by itself, and never pretends: every answer carries the fingerprint `offline`.
 */
import { type Context, Hono } from "hono";
import type { ModelInfo } from "../domain/model-info.ts";
import { ApiError, errorBody } from "./api-error.ts";
import { type Bill, createBill } from "./bill.ts";
import { createChatHandler } from "./chat.ts";
import { type Connection, inProcessFetch } from "./connection.ts";
import { type Listening, listen } from "./listen.ts";
import type { Generator } from "./protocol.ts";
import { createRateLimiter, DEFAULT_RATE_LIMIT, type RateLimit } from "./rate-limit.ts";
import { createScript, type Script } from "./script.ts";
import { parseBody } from "./validation.ts";

export interface OfflineServerOptions {
  /** The models it serves: their limits and prices. */
  models: readonly ModelInfo[];
  /** Writes the answers that no script step gives. */
  generator: Generator;
  /** Milliseconds since 1970; default the system's. */
  clock?: () => number;
  /** Per model. Default: higher than one machine can reach. */
  rateLimit?: RateLimit;
  /** When set, any other bearer key gets a 401. */
  apiKey?: string;
  /** Milliseconds before an answer begins; default 0. */
  latencyMs?: number;
  /** Keep every request in memory; default true. */
  recordRequests?: boolean;
}

export interface RecordedRequest {
  readonly id: string;
  readonly method: string;
  readonly path: string;
  /** Lower-case names; without `authorization`. */
  readonly headers: Readonly<Record<string, string>>;
  /** Parsed JSON; the text where it was none; undefined without a body. */
  readonly body: unknown;
  /** Undefined while nothing was answered, and for good when the connection was dropped or given up. */
  readonly status: number | undefined;
}

export interface OfflineServer {
  /** Answers in process, without a socket; the host of the address does not matter. */
  fetch: typeof globalThis.fetch;
  /** Serves on 127.0.0.1; port 0, the default, takes any free one. Throws `port-in-use`. */
  listen(port?: number): Promise<Listening>;
  script: Script;
  readonly requests: readonly RecordedRequest[];
  /** What the provider would have charged so far. */
  readonly bill: Bill;
  /** Contracts the generator broke; each was answered with a 500. Tests expect none. */
  readonly faults: readonly Error[];
}

type OpenRecord = { -readonly [Field in keyof RecordedRequest]: RecordedRequest[Field] };
type Env = {
  Bindings: { connection: Connection };
  Variables: { record: OpenRecord; connection: Connection };
};

/** Digits of request ids. */
const ID_DIGITS = 6;

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

function openRecord(id: string, { method, url, headers }: Request): OpenRecord {
  const kept = Object.fromEntries([...headers].filter(([name]) => name !== "authorization"));
  return { id, method, path: new URL(url).pathname, headers: kept, body: undefined, status: undefined };
}

async function readBody(c: Context<Env>): Promise<unknown> {
  const text = await c.req.text();
  c.var.record.body = text;
  const body = parseBody(text);
  c.var.record.body = body;
  return body;
}

export function createOfflineServer(options: OfflineServerOptions): OfflineServer {
  const { clock = Date.now, recordRequests = true } = options;
  const models = new Map(options.models.map((model) => [model.id, model]));
  const script = createScript();
  const bill = createBill();
  const requests: OpenRecord[] = [];
  const faults: Error[] = [];
  let arrived = 0;

  const chat = createChatHandler({
    models,
    generator: options.generator,
    clock,
    limiter: createRateLimiter(options.rateLimit ?? DEFAULT_RATE_LIMIT, clock),
    script,
    bill,
    latencyMs: options.latencyMs ?? 0,
  });

  const app = new Hono<Env>();
  app.use(async (c, next) => {
    const startedAt = clock();
    arrived += 1;
    const record = openRecord(`req_offline_${String(arrived).padStart(ID_DIGITS, "0")}`, c.req.raw);
    c.set("record", record);
    if (recordRequests) requests.push(record);
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
  app.get("/v1/models", (c) => c.json({ object: "list", data: [...models.keys()].map(describeModel) }));
  app.get("/v1/models/:id", (c) => {
    const id = c.req.param("id");
    if (models.has(id)) return c.json(describeModel(id));
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
    requests,
    get bill() {
      return bill.read();
    },
    faults,
  };
}
