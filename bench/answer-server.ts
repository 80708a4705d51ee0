/**
 * The offline server in a process of its own, with answers that cost no thought, so that clients can be measured alone.
 * Its first argument: options of the server, as JSON. Its first message: its address. It answers the message `report`
 * with its traffic, and forgets what came before at the message `reset`.
 */
import { loadCatalog } from "../src/catalog/catalog.ts";
import { createOfflineServer, type OfflineServerOptions } from "../src/offline/server.ts";
import { loadScenario } from "../src/scenario/scenario.ts";
import { shippedFolder } from "../src/scenario/shipped-folder.ts";
import { createAnswers } from "./answers.ts";

const { cast } = loadScenario(`${shippedFolder("scenarios")}/product-roundtable.yaml`);
const server = createOfflineServer({
  models: [...loadCatalog().models.values()],
  recordRequests: false,
  generator: createAnswers(
    cast.map(({ id }) => id),
    0,
  ),
  ...(JSON.parse(process.argv[2] ?? "{}") as Pick<OfflineServerOptions, "rateLimit" | "latencyMs">),
});
const { url, close } = await server.listen(0);
process.send?.(url);
process.on("message", (message) => {
  if (message === "report") process.send?.(server.traffic);
  else if (message === "reset") server.reset();
});
process.once("disconnect", () => void close());
