/** A quote whose offline servers can be looked into: what they billed is what it must say. */
import { type Catalog, loadCatalog } from "../../src/catalog/catalog.ts";
import type { ScenarioInput } from "../../src/domain/scenario.ts";
import { createGateway } from "../../src/model/gateway.ts";
import { createOfflineServer, type OfflineServer } from "../../src/offline/server.ts";
import { makeQuote, type QuoteOptions } from "../../src/quote/quote.ts";
import { resolveScenario } from "../../src/scenario/scenario.ts";
import { PASSAGES, SCENARIO } from "../conversation/stage.ts";

export interface QuoteStage extends QuoteOptions {
  scenario?: Partial<ScenarioInput>;
  catalog?: Catalog;
}

/** The quote, and the servers that were asked, in order. */
export async function quoted({ scenario = {}, catalog = loadCatalog(), ...options }: QuoteStage) {
  const servers: OfflineServer[] = [];
  const quote = await makeQuote({
    ...options,
    scenario: resolveScenario({ ...SCENARIO, ...scenario }, { personas: [], passages: PASSAGES }),
    openGateway: () => {
      const server = createOfflineServer({ models: [...catalog.models.values()] });
      servers.push(server);
      return createGateway({
        catalog,
        apiKey: "none",
        baseUrl: "http://offline.invalid/v1",
        fetch: server.fetch,
      });
    },
  });
  return { quote, servers: servers.filter(({ bill }) => bill.requests > 0) };
}
