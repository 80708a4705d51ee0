/**
 * What is measured: one conversation, by Dramatis and as one would write it without. All of them say the same to the same
 * server: shared head, transcript, the persona's own lines.
 */
import { AIMessage, type BaseMessage, HumanMessage, SystemMessage } from "@langchain/core/messages";
import { END, MemorySaver, MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";
import { ChatOpenAI } from "@langchain/openai";
import type { z } from "zod";
import { loadCatalog } from "../src/catalog/catalog.ts";
import { createConversation } from "../src/conversation/graph.ts";
import { type Answer, answerSchema } from "../src/domain/answer.ts";
import { createGateway } from "../src/model/gateway.ts";
import { loadScenario } from "../src/scenario/scenario.ts";
import { shippedFolder } from "../src/scenario/shipped-folder.ts";
import { ownLines, sharedHead } from "../src/turn/prompt.ts";
import { createKnowledgeIndex } from "../tools/knowledge-index.ts";
import { createSearchTool } from "../tools/search-knowledge-base.ts";
import { plainLoop } from "./plain-loop.ts";

/** Holds one conversation of so many turns. */
type Converse = (turns: number) => Promise<void>;

const MODEL = "gpt-4.1-mini";
const scenario = loadScenario(`${shippedFolder("scenarios")}/product-roundtable.yaml`);
const { cast, topic, opening } = scenario;
const castIds = cast.map(({ id }) => id) as [string, ...string[]];
/** As loops of one's own do it: one speaks after the other. */
const speaker = (turn: number) => cast[turn % cast.length] as (typeof cast)[number];
const checkCount = (got: number, turns: number) => {
  if (got !== turns) throw new Error(`expected ${turns} turns, got ${got}`);
};

/** With checkpoints, ledger, a limiter that knows its limits from the server's headers, a budget and structured answers. */
function dramatis(url: string): Converse {
  const gateway = createGateway({ catalog: loadCatalog(), apiKey: "offline", baseUrl: `${url}/v1` });
  return async (turns) => {
    const endless = { ...scenario, endings: [{ maxTurns: turns }], budget: { maxCostUsd: 1000 } };
    const graph = createConversation(endless, { gateway, checkpointer: new MemorySaver() });
    const { turns: taken } = await graph.invoke(
      {},
      { context: { models: { "*": MODEL } }, configurable: { thread_id: "bench" } },
    );
    checkCount(taken.length, turns);
  };
}

/** The same messages and the same schema. */
const plain = (url: string): Converse => plainLoop({ url, scenario, model: MODEL });

type Say = (messages: BaseMessage[]) => Promise<string>;

/** A StateGraph with a node for each persona, its messages, and MemorySaver: LangGraph's own tutorial, grown to a cast. */
function graphOf(say: Say, turns: number) {
  const graph = new StateGraph(MessagesAnnotation) as StateGraph<
    typeof MessagesAnnotation.spec,
    typeof MessagesAnnotation.State,
    typeof MessagesAnnotation.Update,
    string
  >;
  const head = new SystemMessage(sharedHead({ topic, cast, categories: [] }));
  for (const [place, persona] of cast.entries()) {
    graph.addNode(persona.id, async ({ messages }: typeof MessagesAnnotation.State) => {
      const turn = messages.length;
      const content = await say([
        head,
        ...messages.map((message) =>
          message.name === persona.id
            ? message
            : new HumanMessage({ name: message.name ?? "host", content: message.content }),
        ),
        new SystemMessage(ownLines({ persona, turn, maxTurns: turns })),
      ]);
      return { messages: [new AIMessage({ name: persona.id, content })] };
    });
    const next = speaker(place + 1).id;
    graph.addConditionalEdges(
      persona.id,
      ({ messages }: typeof MessagesAnnotation.State) => (messages.length > turns ? END : next),
      [next, END],
    );
  }
  graph.addEdge(START, speaker(0).id);
  return graph.compile({ checkpointer: new MemorySaver() });
}

const bareWith =
  (say: Say): Converse =>
  async (turns) => {
    const { messages } = await graphOf(say, turns).invoke(
      { messages: [new HumanMessage({ name: "host", content: opening })] },
      { configurable: { thread_id: "bench" }, recursionLimit: 2 * turns + 10 },
    );
    checkCount(messages.length - 1, turns);
  };

const chatModel = (url: string) =>
  new ChatOpenAI({ model: MODEL, apiKey: "offline", configuration: { baseURL: `${url}/v1` } });

/** Without tools and without structured answers: what costs least. */
function bare(url: string): Converse {
  const model = chatModel(url);
  return bareWith(async (messages) => (await model.invoke(messages)).text);
}

/** With the same tool and the same schema as Dramatis demands. */
function bareStructured(url: string): Converse {
  const search = createSearchTool(createKnowledgeIndex(scenario.passages), {});
  const model = chatModel(url).bindTools([search], {
    strict: true,
    parallel_tool_calls: false,
  }) as ChatOpenAI;
  const schema = answerSchema(castIds) as unknown as z.ZodType<Answer & Record<string, unknown>>;
  const structured = model.withStructuredOutput(schema, {
    name: "answer",
    method: "jsonSchema",
    strict: true,
    includeRaw: true,
  });
  return bareWith(async (messages) => (await structured.invoke(messages)).parsed.message);
}

export const SUBJECTS = { dramatis, bare, bareStructured, plain } as const;
export type Subject = keyof typeof SUBJECTS;
