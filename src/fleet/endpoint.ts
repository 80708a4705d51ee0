/** What a machine asks of a worker over HTTP: whether it lives, whether it can work, and its figures; and what the provider tells it. */
import type { Server } from "node:http";
import { serve } from "@hono/node-server";
import { Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import { DramatisError } from "../domain/errors.ts";

export interface EndpointParts {
  /** 0: any free one. */
  port: number;
  /** An address of this machine; 127.0.0.1 keeps others out. */
  host: string;
  /** Rejects when the store cannot be reached. */
  checkStore(): Promise<unknown>;
  /** True once no more conversations are taken. */
  isStopping(): boolean;
  metrics: { readonly contentType: string; text(): Promise<string> };
  /** Takes an event as it came. `refused`: whoever sent it is not who it should be. Undefined: none are taken. */
  hear?: ((event: { body: string; headers: Headers }) => Promise<"refused" | string>) | undefined;
}

export interface Endpoint {
  /** Like `http://127.0.0.1:9464`. */
  url: string;
  close(): Promise<void>;
}

export const WEBHOOK_PATH = "/webhooks/openai";
/** An event is some hundred bytes. */
const MOST_EVENT_BYTES = 64 * 1024;

/** Whoever probes waits a few seconds at most. */
const STORE_WITHIN_MS = 2000;

function within<T>(promise: Promise<T>, ms: number): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`no answer within ${ms} ms`)), ms);
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

export function endpointApp({
  checkStore,
  isStopping,
  metrics,
  hear,
}: Omit<EndpointParts, "port" | "host">): Hono {
  const app = new Hono();
  app.get("/healthz", (c) => c.text("ok\n"));
  app.get("/readyz", async (c) => {
    if (isStopping()) return c.text("stopping\n", 503);
    try {
      await within(checkStore(), STORE_WITHIN_MS);
      return c.text("ok\n");
    } catch {
      // Why is in the worker's log; an address may be in it, and this may be open to many.
      return c.text("the store cannot be reached\n", 503);
    }
  });
  app.get("/metrics", async (c) =>
    c.body(await metrics.text(), 200, { "content-type": metrics.contentType }),
  );
  if (hear !== undefined) {
    const isBounded = bodyLimit({ maxSize: MOST_EVENT_BYTES, onError: (c) => c.text("too long\n", 413) });
    app.post(WEBHOOK_PATH, isBounded, async (c) => {
      try {
        const heard = await hear({ body: await c.req.text(), headers: c.req.raw.headers });
        return heard === "refused" ? c.text("refused\n", 400) : c.text("ok\n");
      } catch {
        // It is sent again later.
        return c.text("not now\n", 503);
      }
    });
  }
  return app;
}

/** @throws DramatisError `port-in-use` */
export function openEndpoint({ port, host, ...parts }: EndpointParts): Promise<Endpoint> {
  const app = endpointApp(parts);
  return new Promise((resolve, reject) => {
    const server = serve(
      { fetch: app.fetch, port, hostname: host, overrideGlobalObjects: false },
      (address) => {
        const shown = host.includes(":") ? `[${host}]` : host;
        resolve({
          url: `http://${shown}:${address.port}`,
          close: () =>
            new Promise((closed) => {
              server.close(() => closed());
              (server as Server).closeAllConnections();
            }),
        });
      },
    );
    server.once("error", (cause: NodeJS.ErrnoException) => {
      reject(
        new DramatisError(
          cause.code === "EADDRINUSE" ? "port-in-use" : "invalid-argument",
          cause.code === "EADDRINUSE"
            ? `The worker's endpoint cannot listen on port ${port}: another program has it. Choose another --port, or 0 for any free one.`
            : `The worker's endpoint cannot listen on ${host}, port ${port}: ${cause.code ?? "unknown error"}. Name an address of this machine with --host.`,
          { cause },
        ),
      );
    });
  });
}
