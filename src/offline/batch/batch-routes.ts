/** `/v1/batches`. */
import type { Context, Hono } from "hono";
import { payerOf } from "../payer.ts";
import type { RouteEnv } from "../route-env.ts";
import type { Batches } from "./batches.ts";

export interface BatchRouteParts {
  batches: Batches;
  /** Of calls that name none. */
  projectId: string;
  readBody: (c: Context<RouteEnv>) => Promise<unknown>;
}

export function addBatchRoutes(app: Hono<RouteEnv>, { batches, projectId, readBody }: BatchRouteParts): void {
  app.post("/v1/batches", async (c) => {
    const payer = payerOf(c.req.raw.headers, projectId);
    return c.json(await batches.create(await readBody(c), payer));
  });
  app.get("/v1/batches", async (c) => c.json(await batches.list(c.req.query())));
  app.get("/v1/batches/:id", async (c) => c.json(await batches.get(c.req.param("id"))));
  app.post("/v1/batches/:id/cancel", async (c) => c.json(await batches.cancel(c.req.param("id"))));
}
