/**
 * What a turn costs as a conversation grows, beside a plain loop over the SDK in the same run: by the offline server's
 * own bill, at gpt-4.1-mini's prices, six personas whose cards have some 250 tokens, messages of some 60.
 */
import { OpenAIClient } from "@langchain/openai";
import { loadCatalog } from "../src/catalog/catalog.ts";
import { createConversation } from "../src/conversation/graph.ts";
import type { Persona } from "../src/domain/persona.ts";
import { createGateway } from "../src/model/gateway.ts";
import { countTokens } from "../src/model/tokens/tokens.ts";
import type { ChatRequest } from "../src/offline/protocol.ts";
import { createOfflineServer } from "../src/offline/server.ts";
import { loadScenario, type Scenario } from "../src/scenario/scenario.ts";
import { shippedFolder } from "../src/scenario/shipped-folder.ts";
import { sharedHead } from "../src/turn/prompt.ts";
import { createKnowledgeIndex } from "../tools/knowledge-index.ts";
import { createSearchTool } from "../tools/search-knowledge-base.ts";
import { createAnswers } from "./answers.ts";

const LENGTHS = [24, 48, 96, 192, 800];
/** Turns from which on the cost a turn must stay the same. */
const FLAT_FROM = 48;
const BOUNDS = { flatness: 0.05, ratioToPlain48: 1, ratioToPlain192: 0.45 };
const MODEL = "gpt-4.1-mini";
const BASE_URL = "http://offline.invalid/v1";

const sentences = (text: string, count: number) =>
  text
    .split(/(?<=[.!?])\s+/)
    .slice(0, count)
    .join(" ");

/** The shipped round table, its cards cut to the size of the workload. */
function workload(turns: number): Scenario {
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

/** For comparison a search goes before every second answer, as often as offline personas search. */
const SEARCH_EVERY = 2;

type Body = Pick<ChatRequest, "tools" | "response_format">;

interface Measured {
  microUsdPerTurn: number;
  requests: number;
  cachedShare: number;
}

function openServer(scenario: Scenario, searchEvery: number) {
  const catalog = loadCatalog();
  const server = createOfflineServer({
    models: [...catalog.models.values()],
    recordRequests: false,
    generator: createAnswers(
      scenario.cast.map(({ id }) => id),
      searchEvery,
    ),
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
async function dramatis(turns: number, searchEvery: number): Promise<Measured & { body: Body }> {
  const scenario = workload(turns);
  const { catalog, server, measured } = openServer(scenario, searchEvery);
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

/** The whole card, as one would write it at the top of a prompt: what the persona's file says, field by field. */
function cardOf({ id, name, role, background, personality, expertise, ...more }: Persona): string {
  const list = (title: string, items: readonly string[] = []) =>
    [`${title}:`, ...items.map((item) => `- ${item}`)].join("\n");
  const bigFive = Object.entries(personality.bigFive).map(([trait, share]) => `${trait} ${share}`);
  return [
    `# You are ${name} (${id})`,
    `Role: ${role}`,
    `Background: ${background}`,
    `Personality: ${personality.kind}; ${personality.traits.join(", ")}`,
    `Big Five, 0 to 1: ${bigFive.join(", ")}`,
    `Communication style: ${personality.communicationStyle}`,
    list("Expertise", expertise),
    list("Goals", more.goals),
    list("Beliefs", more.beliefs),
    list("Private notes, known to you alone; never reveal them", more.privateNotes),
  ].join("\n");
}

/** What one would write by hand: the persona's card first, then topic, participants and rules, then all that was said. */
async function plainLoop(turns: number, searchEvery: number, body: Body): Promise<Measured> {
  const scenario = workload(turns);
  const { server, measured } = openServer(scenario, searchEvery);
  const client = new OpenAIClient({ apiKey: "offline", baseURL: BASE_URL, fetch: server.fetch });
  const { cast, topic, passages, opening } = scenario;
  const categories = [...new Set(passages.map(({ category }) => category))].sort();
  const head = sharedHead({ topic, cast, categories });
  const said: { name: string; content: string }[] = [{ name: "host", content: opening }];
  const index = createKnowledgeIndex(passages);
  for (let turn = 1; turn <= turns; turn++) {
    const persona = cast[(turn - 1) % cast.length];
    if (persona === undefined) throw new Error("nobody is there");
    const search = createSearchTool(index, { personaId: persona.id, categories: persona.knowledge });
    const messages: OpenAIClient.ChatCompletionMessageParam[] = [
      { role: "system", content: `${cardOf(persona)}\n\n${head}` },
      ...said.map(
        (message) => ({ role: message.name === persona.id ? "assistant" : "user", ...message }) as const,
      ),
    ];
    for (;;) {
      const completion = await client.chat.completions.create({
        model: MODEL,
        ...(body as object),
        parallel_tool_calls: false,
        messages,
      });
      const answer = completion.choices[0]?.message;
      const call = answer?.tool_calls?.[0];
      if (answer === undefined || call?.type !== "function") {
        const { message } = JSON.parse(answer?.content ?? "{}") as { message: string };
        said.push({ name: persona.id, content: message });
        break;
      }
      const content = String(await search.invoke(JSON.parse(call.function.arguments)));
      messages.push(
        { role: "assistant", content: null, tool_calls: [call] },
        { role: "tool", tool_call_id: call.id, content },
      );
    }
  }
  return measured(turns);
}

interface Row {
  turns: number;
  ours: Measured;
  plain: Measured;
}

async function measure(lengths: readonly number[], searchEvery: number): Promise<Row[]> {
  const rows: Row[] = [];
  for (const turns of lengths) {
    const { body, ...ours } = await dramatis(turns, searchEvery);
    rows.push({ turns, ours, plain: await plainLoop(turns, searchEvery, body) });
  }
  return rows;
}

function ratioAt(rows: readonly Row[], length: number): number {
  const row = rows.find(({ turns }) => turns === length);
  return row === undefined ? Number.NaN : row.ours.microUsdPerTurn / row.plain.microUsdPerTurn;
}

const perTurn = (rows: readonly Row[], side: "ours" | "plain") =>
  Object.fromEntries(rows.map((row) => [row.turns, Number(row[side].microUsdPerTurn.toFixed(1))]));

const percent = (share: number) => `${(100 * share).toFixed(1)} %`;

const table = (rows: readonly Row[]) =>
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

export async function benchGrowth(json: boolean): Promise<boolean> {
  const rows = await measure(LENGTHS, 0);
  const searching = await measure([48, 192], SEARCH_EVERY);
  const flat = rows.filter(({ turns }) => turns >= FLAT_FROM).map(({ ours }) => ours.microUsdPerTurn);
  const figures = {
    flatness: (Math.max(...flat) - Math.min(...flat)) / Math.min(...flat),
    ratioToPlain48: ratioAt(rows, 48),
    ratioToPlain192: ratioAt(rows, 192),
  };
  const passed =
    figures.flatness <= BOUNDS.flatness &&
    figures.ratioToPlain48 <= BOUNDS.ratioToPlain48 &&
    figures.ratioToPlain192 <= BOUNDS.ratioToPlain192;
  const sides = (of: readonly Row[]) => ({
    microUsdPerTurn: perTurn(of, "ours"),
    plain: { microUsdPerTurn: perTurn(of, "plain") },
  });
  if (json) {
    const withSearches = {
      ...sides(searching),
      ratioToPlain48: ratioAt(searching, 48),
      ratioToPlain192: ratioAt(searching, 192),
    };
    const all = { bench: "growth", ...sides(rows), ...figures, withSearches, bounds: BOUNDS, passed };
    process.stdout.write(`${JSON.stringify(all)}\n`);
    return passed;
  }
  const { cast } = workload(1);
  const cards = await Promise.all(cast.map((persona) => countTokens(cardOf(persona), "o200k_base")));
  table(rows);
  process.stdout.write(
    `cards of ${cards.join(", ")} tokens\n` +
      `from ${FLAT_FROM} turns on flat within ${percent(figures.flatness)} (bound ${percent(BOUNDS.flatness)})\n` +
      `to the plain loop: ${percent(figures.ratioToPlain48)} at 48 turns (bound ${percent(BOUNDS.ratioToPlain48)}), ` +
      `${percent(figures.ratioToPlain192)} at 192 (bound ${percent(BOUNDS.ratioToPlain192)})\n` +
      "\nthe same with a search before every second answer:\n",
  );
  table(searching);
  return passed;
}
