/** The offline server on a port of this machine. */
import { type Http2Bindings, type HttpBindings, serve } from "@hono/node-server";
import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import { DramatisError } from "../domain/errors.ts";
import type { Connection } from "./connection.ts";

/** Not reachable from other machines. */
const HOST = "127.0.0.1";

/** A server that listens on loopback. */
export interface Listening {
  /** Like `http://127.0.0.1:4010`; the API is under `/v1`. */
  url: string;
  /** Breaks off what is still open; calling it again does nothing more. */
  close(): Promise<void>;
}

/** @param port 0: any free one. */
export function listen(
  handle: (request: Request, connection: Connection) => Response | Promise<Response>,
  port: number,
): Promise<Listening> {
  return new Promise((resolve, reject) => {
    const server = serve(
      {
        hostname: HOST,
        port,
        // A library must not swap the process's Request and Response.
        overrideGlobalObjects: false,
        fetch: (request: Request, { outgoing }: HttpBindings | Http2Bindings) =>
          handle(request, {
            signal: request.signal,
            hasReader: false,
            drop() {
              outgoing.destroy();
              return RESPONSE_ALREADY_SENT;
            },
            cut() {
              // Later, so that what was written before still leaves.
              setImmediate(() => outgoing.destroy());
              return new Promise(() => undefined);
            },
          }),
      },
      (address) => resolve({ url: `http://${HOST}:${address.port}`, close }),
    );
    let closing: Promise<void> | undefined;
    const close = () => {
      closing ??= new Promise((closed, failed) => {
        server.close((error) => (error === undefined ? closed() : failed(error)));
        if ("closeAllConnections" in server) server.closeAllConnections();
      });
      return closing;
    };
    server.once("error", (cause: NodeJS.ErrnoException) => {
      const isTaken = cause.code === "EADDRINUSE";
      reject(
        isTaken
          ? new DramatisError(
              "port-in-use",
              `The offline server cannot listen on port ${port}: another program has it. Choose another port, or 0 for any free one.`,
              { cause },
            )
          : cause,
      );
    });
  });
}
