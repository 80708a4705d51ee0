/** The addresses of the server, and what is the same for all of them: request ids, keys, errors in the provider's shape. */
import { type Context, Hono } from "hono";
import type { AccessCheck } from "./access.ts";
import { ApiError, errorBody } from "./api-error.ts";
import { addBatchRoutes } from "./batch/batch-routes.ts";
import type { BatchService } from "./batch/batch-service.ts";
import { addFileRoutes } from "./batch/file-routes.ts";
import type { ChatHandler } from "./chat.ts";
import type { Connection } from "./connection.ts";
import type { OrganizationReports } from "./organization-reports.ts";
import { pageOf } from "./page.ts";
import { payerOf } from "./payer.ts";
import { projectNotFound, projectRateLimit, RATE_LIMIT_PAGES } from "./project-rate-limits.ts";
import type { RateLimiter } from "./rate-limit.ts";
import type { RequestLog } from "./request-log.ts";
import type { RouteEnv } from "./route-env.ts";
import type { ServedModels } from "./served-models.ts";
import { parseBody } from "./validation.ts";

export interface RouteParts {
  chat: ChatHandler;
  batch: BatchService;
  models: ServedModels;
  limiter: RateLimiter;
  access: AccessCheck;
  log: RequestLog;
  clock: () => number;
  reports: OrganizationReports;
  projectId: string;
  /** Told of bugs: everything thrown that is no `ApiError`. */
  onBug: (error: Error) => void;
}

const describeModel = (id: string) => ({ id, object: "model", created: 0, owned_by: "offline" });

async function readBody(c: Context<RouteEnv>): Promise<unknown> {
  const text = await c.req.text();
  c.var.record.body = text;
  const body = parseBody(text);
  c.var.record.body = body;
  return body;
}

export type RequestHandler = (request: Request, connection: Connection) => Response | Promise<Response>;

export function createRoutes(parts: RouteParts): RequestHandler {
  const { chat, batch, models, limiter, access, log, clock, reports, projectId, onBug } = parts;
  const app = new Hono<RouteEnv>();
  app.use(async (c, next) => {
    const startedAt = clock();
    const record = log.open(c.req.raw);
    c.set("record", record);
    const { connection } = c.env;
    const { signal } = connection;
    let isDropped = false;
    c.set("connection", {
      ...connection,
      drop() {
        isDropped = true;
        return connection.drop();
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
    const refusal = access(c.req.path, c.req.header("authorization"));
    if (refusal !== undefined) return refusal;
    return await next();
  });

  app.post("/v1/chat/completions", async (c) =>
    chat({
      body: await readBody(c),
      record: c.var.record,
      connection: c.var.connection,
      payer: payerOf(c.req.raw.headers, projectId),
    }),
  );
  // Whoever looks at batches, or at what they put out and cost, finds them as they are by now.
  for (const path of ["/v1/batches/*", "/v1/files/*", "/v1/organization/*"]) {
    app.use(path, async (_, next) => {
      await batch.tick();
      return await next();
    });
  }
  addFileRoutes(app, { files: batch.files, clock });
  addBatchRoutes(app, { batches: batch.batches, projectId, readBody });
  app.get("/v1/models", (c) => c.json({ object: "list", data: models.ids.map(describeModel) }));
  app.get("/v1/models/:id", (c) => {
    const id = c.req.param("id");
    if (models.find(id)) return c.json(describeModel(id));
    throw new ApiError(404, `The model '${id}' does not exist`, { param: "model", code: "model_not_found" });
  });
  app.get("/v1/organization/projects/:id/rate_limits", (c) => {
    const id = c.req.param("id");
    if (id !== projectId) throw projectNotFound(id);
    const rows = models.ids.map((model) => {
      const limit = { ...limiter.limitOf(model), batchTokensPerDay: batch.enqueuedLimitOf(model) };
      return projectRateLimit(model, limit);
    });
    return c.json(pageOf(rows, c.req.query(), RATE_LIMIT_PAGES));
  });
  const searchOf = (c: Context<RouteEnv>) => new URL(c.req.url).searchParams;
  app.get("/v1/organization/usage/completions", (c) => c.json(reports.usage(searchOf(c))));
  app.get("/v1/organization/costs", (c) => c.json(reports.costs(searchOf(c))));
  app.notFound((c) => c.json(errorBody(`Invalid URL (${c.req.method} ${c.req.path})`), 404));
  app.onError((error, c) => {
    // Nobody is there to read it; only the framework wants a response.
    if (c.env.connection.signal.aborted) return c.body(null);
    if (error instanceof ApiError) {
      const headers = { "content-type": "application/json", ...error.headers };
      return new Response(JSON.stringify(error.body), { status: error.status, headers });
    }
    onBug(error);
    const body = errorBody(`The offline server failed: ${error.message}`, { type: "server_error" });
    // A bug stays a bug however often it is tried.
    return c.json(body, 500, { "x-should-retry": "false" });
  });
  return (request, connection) => app.fetch(request, { connection });
}
