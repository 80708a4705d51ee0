/**
 * How large the requests of a scenario can get: prompts are built as a run builds them and counted as the gateway counts
 * them, then grown by the longest answers, tool results and repairs. What is assumed: a model that is told to call one
 * tool at a time does so, and a text has no more tokens than the model wrote for it.
 */
import type { BaseMessage } from "@langchain/core/messages";
import { categoriesInScope, createKnowledgeIndex, DEFAULT_LIMIT } from "../../tools/knowledge-index.ts";
import {
  CHOICE_OUTPUT_TOKENS,
  choicePrompt,
  moderatorModel,
  SEEN_TURNS,
  speakerSchema,
} from "../conversation/model-policy.ts";
import { personaTools } from "../conversation/persona-tools.ts";
import type { RunSettings } from "../conversation/settings.ts";
import { possibleModels } from "../conversation/speaker-model.ts";
import { answerSchema } from "../domain/answer.ts";
import { longestAnswer } from "../domain/longest-answer.ts";
import type { ModelInfo } from "../domain/model-info.ts";
import type { Persona } from "../domain/persona.ts";
import { summarySchema } from "../domain/summary.ts";
import { type Demand, demandText } from "../model/demand.ts";
import type { Gateway } from "../model/gateway.ts";
import { MAX_CALLS } from "../model/reply.ts";
import { cheapestModel } from "../model/selection.ts";
import { countTokens } from "../model/tokens/tokens.ts";
import { mostPromptTokens } from "../model/tokens/worst-case.ts";
import type { Scenario } from "../scenario/scenario.ts";
import { layoutFor } from "../turn/layout.ts";
import { mostRequests } from "../turn/persona-turn.ts";
import { buildPrompt } from "../turn/prompt.ts";
import { SUMMARY_OUTPUT_TOKENS, summaryPrompt } from "../turn/summary.ts";
import type { Asker, RequestSize } from "./bound.ts";

/** Tokens around a message (3, its role, its name), and those of the line that lists its sources. */
const FRAME = 5;
const SOURCES = 8;
/** What a persona is told of a failed call or answer: at most 800 characters of it are what a model wrote. */
const COMPLAINT = 800;
/** The search's answer around its passages, and the note that nothing was found. */
const SEARCH_FRAME = 100;
/** Texts that one encoding holds in a token may take another so many. */
const OTHER_ENCODING = 4;

export interface AskerParts {
  scenario: Scenario;
  gateway: Gateway;
  settings: RunSettings;
  /** A policy of the embedder's own chooses the speakers. */
  hasOwnPolicy: boolean;
}

const modelsOf = (persona: Persona, { scenario, gateway, settings }: AskerParts): ModelInfo[] =>
  possibleModels({ scenario, persona, gateway }, settings).map((id) => gateway.catalog.model(id));

/** Tokens of a prompt with tools, schema and frame, as the gateway counts them for its own worst case. */
async function promptTokens(
  model: ModelInfo,
  messages: readonly BaseMessage[],
  demand: Pick<Demand, "schema" | "tools">,
): Promise<number> {
  const demands = demandText(demand);
  return await mostPromptTokens({ model, messages, demands });
}

/** The longest answer that the search can give. */
async function searchResult({ passages }: Scenario, { encoding }: ModelInfo): Promise<number> {
  const counts = await Promise.all(passages.map((passage) => countTokens(JSON.stringify(passage), encoding)));
  const longest = counts.sort((a, b) => b - a).slice(0, DEFAULT_LIMIT);
  return longest.reduce((sum, count) => sum + count + FRAME * 4, SEARCH_FRAME);
}

const unique = (models: readonly ModelInfo[]) => [
  ...new Map(models.map((model) => [model.id, model])).values(),
];

/** What one request of a turn adds to the next: the call and its answers, or the complaint. */
async function requestGrowth(scenario: Scenario, model: ModelInfo, answer: number): Promise<number> {
  const calls = model.parallelToolCalls ? 1 : MAX_CALLS;
  const result = Math.max(COMPLAINT, await searchResult(scenario, model));
  return answer + 2 * FRAME + COMPLAINT + calls * (result + 3 * FRAME);
}

/** How much a turn adds to the prompts after it. */
async function turnGrowth({ cast }: Scenario, speakers: readonly ModelInfo[], maxOutputTokens: number) {
  const encodings = [...new Set(speakers.map(({ encoding }) => encoding))];
  const names = await Promise.all(
    encodings.flatMap((encoding) => cast.map(({ id }) => countTokens(id, encoding))),
  );
  const longest = Math.max(...speakers.map((model) => longestAnswer(model, maxOutputTokens)));
  return longest * (encodings.length > 1 ? OTHER_ENCODING : 1) + FRAME + SOURCES + Math.max(...names);
}

/** Who may ask in a turn of this scenario, and how much. */
export async function askersOf(parts: AskerParts): Promise<Asker[]> {
  const { scenario, gateway, settings, hasOwnPolicy } = parts;
  const { cast, answers, moderator, topic } = scenario;
  const { maxOutputTokens, maxToolRounds } = answers;
  const index = createKnowledgeIndex(scenario.passages);
  const castIds = cast.map(({ id }) => id) as [string, ...string[]];
  const { maxTurns } = settings;
  const turn = maxTurns ?? 1;
  const speakers = cast.flatMap((persona) => modelsOf(persona, parts));
  const grownByTurn = await turnGrowth(scenario, speakers, maxOutputTokens);
  const isInOrder = moderator.policy === "round-robin" && !hasOwnPolicy;

  async function personaAsker(persona: Persona): Promise<Asker> {
    const tools = personaTools(index, persona);
    const messagesFor = (model: ModelInfo) =>
      buildPrompt({
        topic,
        cast,
        persona,
        categories: [...categoriesInScope(index).keys()],
        transcript: [{ speaker: "host", message: scenario.opening }],
        turn,
        maxTurns,
        layout: settings.context.layout ?? layoutFor(model, cast.length),
      });
    const demand = { schema: answerSchema(castIds), tools };
    const size = async (model: ModelInfo): Promise<RequestSize> => {
      const answer = longestAnswer(model, maxOutputTokens);
      return {
        model,
        answer,
        // A summary stands for turns; it may be longer than those.
        prompt: (await promptTokens(model, messagesFor(model), demand)) + SUMMARY_OUTPUT_TOKENS,
        turnGrowth: grownByTurn,
        requestGrowth: await requestGrowth(scenario, model, answer),
      };
    };
    return {
      persona: persona.id,
      purpose: "turn",
      sizes: await Promise.all(modelsOf(persona, parts).map(size)),
      // A prompt that was too long is shortened and sent once more.
      requestsPerTurn: mostRequests(tools.length === 0 ? 0 : maxToolRounds) + 1,
      stride: isInOrder ? cast.length : Math.min(2, cast.length),
    };
  }

  async function moderatorAsker(): Promise<Asker[]> {
    if (moderator.policy !== "model" || hasOwnPolicy || cast.length === 1) return [];
    const model = gateway.catalog.model(moderatorModel(moderator, gateway.catalog));
    const messages = choicePrompt(moderator, { topic, cast, turns: [], turn }, castIds);
    const demand = { schema: speakerSchema(castIds), tools: [] };
    const size: RequestSize = {
      model,
      prompt: await promptTokens(model, messages, demand),
      turnGrowth: grownByTurn,
      requestGrowth: 0,
      answer: longestAnswer(model, CHOICE_OUTPUT_TOKENS),
    };
    const asked = { persona: undefined, purpose: "moderator", sizes: [size], stride: 1 } as const;
    return [{ ...asked, requestsPerTurn: 1, seenTurns: SEEN_TURNS }];
  }

  /** Once a turn at the very most: a block each, or a forced one when a prompt was too long. */
  async function summaryAsker(): Promise<Asker[]> {
    if (settings.context.strategy !== "compact") return [];
    const cheapest = cheapestModel(gateway.catalog.models.values());
    const models = cheapest === undefined ? speakers : [cheapest, ...speakers];
    const demand = { schema: summarySchema, tools: [] };
    const size = async (model: ModelInfo): Promise<RequestSize> => ({
      model,
      // The summary before it is part of what is summed up.
      prompt: (await promptTokens(model, summaryPrompt(undefined, []), demand)) + SUMMARY_OUTPUT_TOKENS,
      turnGrowth: grownByTurn,
      requestGrowth: 0,
      answer: longestAnswer(model, SUMMARY_OUTPUT_TOKENS),
    });
    const asked = { persona: undefined, purpose: "summary", requestsPerTurn: 1, stride: 1 } as const;
    return [{ ...asked, sizes: await Promise.all(unique(models).map(size)) }];
  }

  return [
    ...(await Promise.all(cast.map(personaAsker))),
    ...(await moderatorAsker()),
    ...(await summaryAsker()),
  ];
}

/** Models that may be asked and have no price. */
export function unpricedModels(askers: readonly Asker[]): string[] {
  const models = askers.flatMap(({ sizes }) => sizes.map(({ model }) => model));
  return [...new Set(models.filter(({ price }) => price === undefined).map(({ id }) => id))];
}
