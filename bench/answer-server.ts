/**
 * The offline server in a process of its own, with answers that cost no thought, so that clients can be measured alone.
 * Its first argument: options of the server, as JSON. Its first message: its address. It answers the message `report`
 * with its traffic, and forgets what came before at the message `reset`.
 */
import { loadCatalog } from "../src/catalog/catalog.ts";
import { generateReply } from "../src/offline/generator/generator.ts";
import { asksForMinutes } from "../src/offline/generator/minutes.ts";
import { createOfflineServer, type OfflineServerOptions } from "../src/offline/server.ts";

const WORDS =
  "we should measure the export first and then decide which part of the pipeline to repair before june ".repeat(
    3,
  );
let answered = 0;

const server = createOfflineServer({
  models: [...loadCatalog().models.values()],
  recordRequests: false,
  generator: (request) => {
    if (asksForMinutes(request)) return generateReply(request);
    answered += 1;
    const message = `Point ${answered}: ${WORDS.slice(0, 280)}`;
    const rest = {
      confidence: 0.8,
      reasoning: "It is cheap.",
      relevantExpertise: ["exports"],
      emotions: ["calm"],
    };
    return {
      kind: "content",
      content: JSON.stringify({ message, ...rest, addressedTo: null, citations: [], wantsToConclude: false }),
    };
  },
  ...(JSON.parse(process.argv[2] ?? "{}") as Pick<OfflineServerOptions, "rateLimit" | "latencyMs">),
});
const { url, close } = await server.listen(0);
process.send?.(url);
process.on("message", (message) => {
  if (message === "report") process.send?.(server.traffic);
  else if (message === "reset") server.reset();
});
process.once("disconnect", () => void close());
