/**
 * A server with a rate limit, in a process of its own. Its argument: the limit and the latency, as JSON. Its first message: its
 * address. At the message `begin` it forgets what came before; it answers `report` with when it let each request through, and how many it turned away.
 */
import { createOfflineServer, type OfflineServerOptions } from "../../../src/offline/server.ts";
import { MODELS } from "../../offline/fixture.ts";

export interface Arrivals {
  at: number[];
  rejected: number;
  requests: number;
  countedTokens: number;
}

const at: number[] = [];
const server = createOfflineServer({
  models: MODELS,
  recordRequests: false,
  generator: () => {
    at.push(performance.now());
    return { kind: "content", content: "The tide turns twice a day." };
  },
  ...(JSON.parse(process.argv[2] ?? "{}") as Pick<OfflineServerOptions, "rateLimit" | "latencyMs">),
});
const { url, close } = await server.listen(0);
process.send?.(url);
process.on("message", (message) => {
  // What warming up sent.
  if (message === "begin") {
    at.length = 0;
    server.reset();
    return;
  }
  const { rejected, requests, countedTokens } = server.traffic;
  process.send?.({ at, rejected, requests, countedTokens } satisfies Arrivals);
});
process.once("disconnect", () => void close());
