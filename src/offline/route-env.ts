/** What every route of the server gets beside its request. */
import type { Connection } from "./connection.ts";
import type { OpenRecord } from "./request-log.ts";

export type RouteEnv = {
  Bindings: { connection: Connection };
  Variables: { record: OpenRecord; connection: Connection };
};
