/** `/v1/batches`. */
import type { Context, Hono } from "hono";
import type { Payer } from "../bill.ts";
import type { RouteEnv } from "../route-env.ts";
import type { Batches } from "./batches.ts";

export interface BatchRouteParts {
  batches: Batches;
  readBody: (c: Context<RouteEnv>) => Promise<unknown>;
  payerOf: (c: Context<RouteEnv>) => Payer;
}

export function addBatchRoutes(app: Hono<RouteEnv>, { batches, readBody, payerOf }: BatchRouteParts): void {
  app.post("/v1/batches", async (c) => c.json(await batches.create(await readBody(c), payerOf(c))));
  app.get("/v1/batches", async (c) => c.json(await batches.list(c.req.query())));
  app.get("/v1/batches/:id", async (c) => c.json(await batches.get(c.req.param("id"))));
  app.post("/v1/batches/:id/cancel", async (c) => c.json(await batches.cancel(c.req.param("id"))));
}
