/** What the offline server says to benches: cheap to make, of the same size every time. */
import type { ChatRequest, Generator } from "../src/offline/protocol.ts";
import { SEARCH_TOOL_NAME } from "../tools/search-knowledge-base.ts";

const WORDS =
  "we should measure the export first and then decide which part of the pipeline to repair before june ".repeat(
    4,
  );

const QUERIES = ["lost visit notes", "renewals of agencies", "drafted summaries", "price of a seat"];

/**
 * Answers of some 60 tokens every time; a summary of the size that is asked for, 70 words.
 * @param searchEvery a search goes before every so many answers; 0: never
 */
export function createAnswers(castIds: readonly string[], searchEvery: number): Generator {
  let answered = 0;
  const sentence = (index: number, length: number) => WORDS.slice(index * 7, index * 7 + length).trim();
  return ({ response_format: format, messages }: ChatRequest) => {
    const asked = format?.type === "json_schema" ? JSON.stringify(format.json_schema.schema) : "";
    if (asked.includes("openQuestions")) {
      const said = castIds.map((speaker, index) => ({ speaker, points: sentence(index, 42) }));
      const summary = {
        said,
        decisions: [sentence(3, 52)],
        openQuestions: [sentence(5, 52)],
        citations: [],
      };
      return { kind: "content", content: JSON.stringify(summary) };
    }
    const isSearchDue = searchEvery > 0 && (answered + 1) % searchEvery === 0;
    if (isSearchDue && messages.at(-1)?.role !== "tool") {
      const query = QUERIES[answered % QUERIES.length];
      const args = JSON.stringify({ query, category: null });
      return { kind: "tool-calls", calls: [{ name: SEARCH_TOOL_NAME, arguments: args }] };
    }
    answered += 1;
    // Who asks for no schema gets the words alone.
    if (format === undefined)
      return { kind: "content", content: `Point ${answered}: ${WORDS.slice(0, 328)}` };
    const answer = {
      message: `Point ${answered}: ${WORDS.slice(0, 328)}`,
      confidence: 0.8,
      reasoning: "It is cheap.",
      relevantExpertise: ["exports"],
      emotions: ["calm"],
      addressedTo: null,
      citations: [],
      wantsToConclude: false,
    };
    return { kind: "content", content: JSON.stringify(answer) };
  };
}
