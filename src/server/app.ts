/** Routes beside the graph server: completes what it tells of a conversation's schemas. */
import { Hono } from "hono";
import { z } from "zod";
import { conversationContext } from "../conversation/state.ts";

/** The run context as JSON Schema; the graph server cannot derive it from a `StateSchema` graph. */
const contextSchema = () => z.toJSONSchema(conversationContext, { io: "input", target: "draft-7" });

export const app = new Hono();

app.use("/assistants/:id/schemas", async (c, next) => {
  await next();
  if (!c.res.ok) return;
  const schemas = z.record(z.string(), z.unknown()).parse(await c.res.clone().json());
  c.res = Response.json({ ...schemas, context_schema: contextSchema() });
});
