/** The provider of a fleet's tests: the offline server on a port, with what it charged for every request it was sent. */
import { loadCatalog } from "../../src/catalog/catalog.ts";
import type { ChatRequest } from "../../src/model/exchange.ts";
import { digestOfKept, keptRequest } from "../../src/model/recording/exchange-lines.ts";
import { createOfflineServer } from "../../src/offline/server.ts";

const KEPT_REQUESTS = 200_000;

export async function startProvider(latencyMs: number) {
  const server = createOfflineServer({
    models: [...loadCatalog().models.values()],
    latencyMs,
    recordRequests: KEPT_REQUESTS,
  });
  const { url, close } = await server.listen(0);
  return {
    baseUrl: `${url}/v1`,
    close,
    get bill() {
      return server.bill;
    },
    get arrived() {
      return server.requests.length;
    },
    charges: server.charges,
    /** Every request that was charged, by what identifies it. */
    charged: () =>
      server.requests
        .filter(({ chargedNanoUsd }) => chargedNanoUsd !== undefined)
        .map(({ id, body, chargedNanoUsd = 0 }) => ({
          requestId: id,
          digest: digestOfKept(keptRequest(body as ChatRequest, undefined)),
          chargedNanoUsd,
        })),
  };
}

export type Provider = Awaited<ReturnType<typeof startProvider>>;
