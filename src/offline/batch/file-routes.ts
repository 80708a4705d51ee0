/** `/v1/files`: uploads, and what batches put out. */
import type { Hono } from "hono";
import type { RouteEnv } from "../route-env.ts";
import type { StoredFiles } from "./stored-files.ts";
import { readUpload } from "./upload.ts";

export interface FileRouteParts {
  files: StoredFiles;
  clock: () => number;
}

export function addFileRoutes(app: Hono<RouteEnv>, { files, clock }: FileRouteParts): void {
  app.post("/v1/files", async (c) => {
    const upload = await readUpload({ request: c.req.raw, now: clock() });
    const { wire } = files.add(upload);
    // Not the content: requests are kept in memory a second time.
    c.var.record.body = { purpose: wire.purpose, filename: wire.filename, bytes: wire.bytes };
    return c.json(wire);
  });
  app.get("/v1/files", (c) => c.json(files.list(c.req.query())));
  app.get("/v1/files/:id", (c) => c.json(files.get(c.req.param("id")).wire));
  app.get("/v1/files/:id/content", (c) =>
    c.body(files.get(c.req.param("id")).content, 200, { "content-type": "application/octet-stream" }),
  );
  app.delete("/v1/files/:id", (c) => {
    const { id } = files.get(c.req.param("id"));
    files.delete(id);
    return c.json({ id, object: "file", deleted: true });
  });
}
