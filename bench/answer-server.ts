/** The offline server in a process of its own, with answers that cost no thought, so that clients can be measured alone. */
import { loadCatalog } from "../src/catalog/catalog.ts";
import { createOfflineServer } from "../src/offline/server.ts";

const WORDS =
  "we should measure the export first and then decide which part of the pipeline to repair before june ".repeat(
    3,
  );
let answered = 0;

const server = createOfflineServer({
  models: [...loadCatalog().models.values()],
  recordRequests: false,
  generator: ({ response_format: format }) => {
    answered += 1;
    const message = `Point ${answered}: ${WORDS.slice(0, 280)}`;
    // Who asks for no schema gets the words alone.
    if (format === undefined) return { kind: "content", content: message };
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
});
const { url, close } = await server.listen(0);
process.send?.(url);
process.once("disconnect", () => void close());
