/**
 * What a turn costs as a conversation grows, beside a plain loop over the SDK in the same run: by the offline server's
 * own bill, at gpt-4.1-mini's prices, six personas whose cards have some 250 tokens, messages of some 60.
 */
import { OpenAIClient } from "@langchain/openai";
import { loadCatalog } from "../src/catalog/catalog.ts";
import { createConversation } from "../src/conversation/graph.ts";
import type { Persona } from "../src/domain/persona.ts";
import { createGateway } from "../src/model/gateway.ts";
import { countTokens } from "../src/model/tokens.ts";
import type { ChatRequest, Generator } from "../src/offline/protocol.ts";
import { createOfflineServer } from "../src/offline/server.ts";
import { loadScenario, type Scenario } from "../src/scenario/scenario.ts";
import { shippedFolder } from "../src/scenario/shipped-folder.ts";
import { ownLines, sharedHead } from "../src/turn/prompt.ts";

const LENGTHS = [24, 48, 96, 192, 800];
/** Turns from which on the cost a turn must stay the same, and by how much it may differ. */
const FLAT = { from: 48, most: 0.05 };
const MOST_TO_PLAIN = { 48: 1, 192: 0.45 };
const MODEL = "gpt-4.1-mini";
const BASE_URL = "http://offline.invalid/v1";

const sentences = (text: string, count: number) =>
  text
    .split(/(?<=[.!?])\s+/)
    .slice(0, count)
    .join(" ");

/** The shipped round table, its cards cut to the size of the workload. */
export function workload(turns: number): Scenario {
  const scenario = loadScenario(`${shippedFolder("scenarios")}/product-roundtable.yaml`);
  const cast = scenario.cast.map((persona) => ({
    ...persona,
    background: sentences(persona.background, 1),
    goals: persona.goals.slice(0, 2),
    beliefs: (persona.beliefs ?? []).slice(0, 1),
    privateNotes: (persona.privateNotes ?? []).slice(0, 1),
  }));
  return { ...scenario, cast, endings: [{ maxTurns: turns }], budget: { maxCostUsd: 1000 } };
}

const WORDS =
  "we should measure the export first and then decide which part of the pipeline to repair before june ".repeat(
    4,
  );

/** Answers of the same size every time; a summary of the size that is asked for, 80 words. */
export function createAnswers(castIds: readonly string[]): Generator {
  let answered = 0;
  const sentence = (index: number, length: number) => WORDS.slice(index * 7, index * 7 + length).trim();
  return ({ response_format: format }: ChatRequest) => {
    const asked = format?.type === "json_schema" ? JSON.stringify(format.json_schema.schema) : "";
    if (asked.includes("openQuestions")) {
      const said = castIds.map((speaker, index) => ({ speaker, points: sentence(index, 48) }));
      const summary = {
        said,
        decisions: [sentence(3, 60)],
        openQuestions: [sentence(5, 60)],
        citations: [],
      };
      return { kind: "content", content: JSON.stringify(summary) };
    }
    answered += 1;
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

type Body = Pick<ChatRequest, "tools" | "response_format">;

interface Measured {
  microUsdPerTurn: number;
  requests: number;
  cachedShare: number;
}

function openServer(scenario: Scenario) {
  const catalog = loadCatalog();
  const server = createOfflineServer({
    models: [...catalog.models.values()],
    recordRequests: false,
    generator: createAnswers(scenario.cast.map(({ id }) => id)),
  });
  const measured = (turns: number): Measured => {
    const { costNanoUsd, requests, inputTokens, cachedInputTokens } = server.bill;
    if (server.faults.length > 0) throw new Error(`The server refused ${server.faults.length} requests.`);
    return {
      microUsdPerTurn: costNanoUsd / 1000 / turns,
      requests,
      cachedShare: cachedInputTokens / inputTokens,
    };
  };
  return { catalog, server, measured };
}

/** A conversation with its default settings; also tells what tools and schema it sent, for the loop beside it. */
async function dramatis(turns: number): Promise<Measured & { body: Body }> {
  const scenario = workload(turns);
  const { catalog, server, measured } = openServer(scenario);
  let body: Body = {};
  const fetch: typeof globalThis.fetch = (input, init) => {
    const { tools, response_format } = JSON.parse(String(init?.body)) as ChatRequest;
    if (tools !== undefined) body = { tools, ...(response_format && { response_format }) };
    return server.fetch(input, init);
  };
  const gateway = createGateway({ catalog, apiKey: "offline", baseUrl: BASE_URL, fetch });
  const graph = createConversation(scenario, { gateway });
  const { turns: taken, totals } = await graph.invoke({}, { context: { models: { "*": MODEL } } });
  if (taken.length !== turns) throw new Error(`expected ${turns} turns, got ${taken.length}`);
  if (totals.costNanoUsd !== server.bill.costNanoUsd) throw new Error("the ledger differs from the bill");
  return { ...measured(turns), body };
}

/** The whole card, as one would write it at the top of a prompt. */
const cardOf = (persona: Persona) =>
  `${ownLines({ persona, turn: 1 }).split("\n\n")[0]}\nExpertise:\n${persona.expertise.map((area) => `- ${area}`).join("\n")}`;

/** What one would write by hand: the persona's card first, then topic, participants and rules, then all that was said. */
async function plainLoop(turns: number, body: Body): Promise<Measured> {
  const scenario = workload(turns);
  const { server, measured } = openServer(scenario);
  const client = new OpenAIClient({ apiKey: "offline", baseURL: BASE_URL, fetch: server.fetch });
  const { cast, topic, passages, opening } = scenario;
  const categories = [...new Set(passages.map(({ category }) => category))].sort();
  const head = sharedHead({ topic, cast, categories });
  const said: { name: string; content: string }[] = [{ name: "host", content: opening }];
  for (let turn = 1; turn <= turns; turn++) {
    const persona = cast[(turn - 1) % cast.length];
    if (persona === undefined) throw new Error("nobody is there");
    const completion = await client.chat.completions.create({
      model: MODEL,
      ...(body as object),
      parallel_tool_calls: false,
      messages: [
        { role: "system", content: `${cardOf(persona)}\n\n${head}` },
        ...said.map(
          (message) => ({ role: message.name === persona.id ? "assistant" : "user", ...message }) as const,
        ),
      ],
    });
    const { message } = JSON.parse(completion.choices[0]?.message.content ?? "{}") as { message: string };
    said.push({ name: persona.id, content: message });
  }
  return measured(turns);
}

interface Row {
  turns: number;
  ours: Measured;
  plain: Measured;
}

export async function benchGrowth(json: boolean): Promise<boolean> {
  const rows: Row[] = [];
  for (const turns of LENGTHS) {
    const { body, ...ours } = await dramatis(turns);
    rows.push({ turns, ours, plain: await plainLoop(turns, body) });
  }
  const flat = rows.filter(({ turns }) => turns >= FLAT.from).map(({ ours }) => ours.microUsdPerTurn);
  const flatness = (Math.max(...flat) - Math.min(...flat)) / Math.min(...flat);
  const ratioAt = (length: number) => {
    const row = rows.find(({ turns }) => turns === length);
    return row === undefined ? Number.NaN : row.ours.microUsdPerTurn / row.plain.microUsdPerTurn;
  };
  const [ratioToPlain48, ratioToPlain192] = [ratioAt(48), ratioAt(192)];
  const passed =
    flatness <= FLAT.most && ratioToPlain48 <= MOST_TO_PLAIN[48] && ratioToPlain192 <= MOST_TO_PLAIN[192];

  const perTurn = (side: "ours" | "plain") =>
    Object.fromEntries(rows.map((row) => [row.turns, Number(row[side].microUsdPerTurn.toFixed(1))]));
  if (json) {
    const plain = { microUsdPerTurn: perTurn("plain") };
    const figures = { flatness, ratioToPlain48, ratioToPlain192 };
    const bounds = {
      flatness: FLAT.most,
      ratioToPlain48: MOST_TO_PLAIN[48],
      ratioToPlain192: MOST_TO_PLAIN[192],
    };
    process.stdout.write(
      `${JSON.stringify({ bench: "growth", microUsdPerTurn: perTurn("ours"), plain, ...figures, bounds, passed })}\n`,
    );
    return passed;
  }
  const cast = workload(1).cast;
  const cards = await Promise.all(cast.map((persona) => countTokens(cardOf(persona), "o200k_base")));
  const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
  console.table(
    rows.map(({ turns, ours, plain }) => ({
      turns,
      "micro$/turn": Number(ours.microUsdPerTurn.toFixed(1)),
      "plain loop": Number(plain.microUsdPerTurn.toFixed(1)),
      ratio: Number((ours.microUsdPerTurn / plain.microUsdPerTurn).toFixed(3)),
      requests: ours.requests,
      cached: percent(ours.cachedShare),
      "plain cached": percent(plain.cachedShare),
    })),
  );
  process.stdout.write(
    `cards of ${cards.join(", ")} tokens\n` +
      `from ${FLAT.from} turns on flat within ${percent(flatness)} (bound ${percent(FLAT.most)})\n` +
      `to the plain loop: ${percent(ratioToPlain48)} at 48 turns (bound ${percent(MOST_TO_PLAIN[48])}), ` +
      `${percent(ratioToPlain192)} at 192 (bound ${percent(MOST_TO_PLAIN[192])})\n`,
  );
  return passed;
}
