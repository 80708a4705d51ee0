/** The graph of a conversation: START -> moderator -> a persona -> moderator -> … -> END. */
import { Runnable } from "@langchain/core/runnables";
import type { StructuredToolInterface } from "@langchain/core/tools";
import {
  type BaseCheckpointSaver,
  type CommandInstance,
  type CompiledGraph,
  END,
  START,
  StateGraph,
} from "@langchain/langgraph";
import { categoriesInScope, createKnowledgeIndex } from "../../tools/knowledge-index.ts";
import { SEARCH_TOOL_NAME } from "../../tools/search-knowledge-base.ts";
import type { Catalog } from "../catalog/catalog.ts";
import { DramatisError } from "../domain/errors.ts";
import type { Passage } from "../domain/knowledge.ts";
import { oncePer } from "../domain/once-per.ts";
import { drawSeed } from "../domain/random.ts";
import type { Gateway } from "../model/gateway.ts";
import { ANSWER_TOOL } from "../model/reply.ts";
import type { Scenario } from "../scenario/scenario.ts";
import { createAnswerLine } from "./answer-line.ts";
import { createBrokenOff } from "./broken-off.ts";
import { changesIn } from "./changes.ts";
import { removeControlBranches, watchBranches } from "./control-branches.ts";
import type { Ending } from "./endings.ts";
import type { ConversationEvent } from "./events.ts";
import { takeNotices, withScreening } from "./input-screening.ts";
import { createModeratorNode } from "./moderator-node.ts";
import { createPersonaNode } from "./persona-node.ts";
import { personaTools } from "./persona-tools.ts";
import type { Policy } from "./policies.ts";
import { settingsReader } from "./settings-reader.ts";
import {
  type ConversationContextInput,
  type ConversationInput,
  type ConversationOutput,
  type ConversationState,
  type ConversationUpdate,
  conversationContext,
  conversationInput,
  conversationOutput,
  conversationState,
} from "./state.ts";
import { Step } from "./step.ts";
import { createSummaries } from "./summaries.ts";

/** What a conversation is made of beside its scenario; only the gateway is required. */
export interface ConversationParts {
  /** The only way to a model; see `createGateway`. */
  gateway: Gateway;
  /** Any LangGraph checkpointer. Default: none, the conversation lives in one call. */
  checkpointer?: BaseCheckpointSaver | undefined;
  /** Chooses speakers instead of the scenario's policy. */
  policy?: Policy | undefined;
  /** Further endings, asked after the scenario's. */
  endings?: readonly Ending[] | undefined;
  /**
   * Further tools that every persona may call. Their names must differ; those with optional arguments are not strict. One
   * that calls `interrupt()` needs a checkpointer; when the run goes on, LangGraph takes the turn anew, so what was asked
   * before the interrupt is asked and paid again. Both are counted, unless another process goes on.
   */
  tools?: readonly StructuredToolInterface[] | undefined;
  /** Milliseconds since 1970. Default: Date.now. */
  clock?: (() => number) | undefined;
  /** Draws a seed when neither input nor scenario has one. Default: 31 random bits. */
  drawSeed?: (() => number) | undefined;
}

/** A compiled conversation: a LangGraph graph with the types of its context, input and output. */
export type Conversation = CompiledGraph<
  string,
  ConversationState,
  ConversationUpdate,
  ConversationContextInput,
  ConversationInput,
  ConversationOutput,
  // By node: LangGraph would take the updates that are streamed for inputs.
  Record<string, ConversationUpdate>,
  CommandInstance<unknown, Partial<ConversationUpdate>, string>,
  ConversationEvent
>;

/** Far above any conversation; endings stop a conversation, not LangGraph's limit of 25 steps. */
const RECURSION_LIMIT = 1_000_000;

/**
 * Compiles a scenario into a LangGraph whose nodes are the moderator and one node per persona, named by its id.
 *
 * Input: nothing, or `{ topic, opening, seed, messages }`. Output: `messages`, `topic`, `seed`, `turns`, `failures`, `attempts`,
 * `notices`, `usage`, `totals`, `complexity`, `summaries`, `startedAt`, `status` and `ending`. Context: `{ complexity, models, budget, maxTurns,
 * screening, context, tier, tierFallback, stream }`. Streams events `{ type: "choice" | "token" | "attempt" | "turn" | "failure" |
 * "summary" | "notice", … }` in mode `custom`, tokens only where the context says `stream: true`; and the plain text of messages
 * as it arrives in mode `messages`.
 * @throws DramatisError `unknown-name` when the scenario names a model that is not in the catalog, `invalid-argument` when a
 * tool's name cannot be.
 */
export function createConversation(scenario: Scenario, parts: ConversationParts): Conversation {
  const { gateway } = parts;
  const clock = parts.clock ?? Date.now;
  const index = indexOf(scenario.passages);
  const summaries = createSummaries(gateway);
  const brokenOff = createBrokenOff();
  const moderate = createModeratorNode({
    scenario,
    gateway,
    clock,
    drawSeed: parts.drawSeed ?? drawSeed,
    policy: parts.policy,
    endings: parts.endings ?? [],
    summaries,
  });
  const categories = [...categoriesInScope(index).keys()];
  const ids = scenario.cast.map(({ id }) => id) as [string, ...string[]];
  const settingsFor = settingsReader(scenario, gateway.catalog);
  checkModels(scenario, gateway.catalog);
  checkToolNames(parts.tools ?? []);

  const graph = new StateGraph({
    state: conversationState,
    input: conversationInput,
    output: conversationOutput,
    context: conversationContext,
    nodes: ["moderator", ...ids],
  });
  graph.addNode(
    "moderator",
    new Step(
      async (state, config) => {
        const update = await moderate(state, settingsFor(config), config);
        return changesIn(state, { ...update, notices: takeNotices(config) });
      },
      // Only an embedder's own functions are not handed the configuration.
      { isAmbient: parts.policy !== undefined || (parts.endings ?? []).length > 0 },
    ),
    { metadata: { kind: "moderator", policy: scenario.moderator.policy } },
  );
  graph.addConditionalEdges("moderator", new NextSpeaker(), [...ids, END]);
  graph.addEdge(START, "moderator");
  // What a model is told of the tools is the same for all; only what they find differs.
  const [someone] = scenario.cast;
  const offered = [...(someone === undefined ? [] : personaTools(index, someone)), ...(parts.tools ?? [])];
  const line = createAnswerLine({ scenario, gateway, tools: offered });
  for (const persona of scenario.cast) {
    const tools = [...personaTools(index, persona), ...(parts.tools ?? [])];
    const speak = createPersonaNode({
      scenario,
      persona,
      gateway,
      tools,
      line,
      categories,
      clock,
      summaries,
      brokenOff,
    });
    graph.addNode(
      persona.id,
      new Step(async (state, config) => changesIn(state, await speak(state, settingsFor(config), config)), {
        isAmbient: false,
      }),
      { metadata: { kind: "persona", persona: persona.id, name: persona.name, role: persona.role } },
    );
    graph.addEdge(persona.id, "moderator");
  }
  const ownBranches = watchBranches(graph);
  const compiled = graph
    .compile({
      name: scenario.id,
      ...(parts.checkpointer === undefined ? {} : { checkpointer: parts.checkpointer }),
    })
    .withConfig({ recursionLimit: RECURSION_LIMIT });
  const { nodes } = compiled as { nodes: Record<string, { writers: Runnable[] } | undefined> };
  removeControlBranches(
    ["moderator", ...ids].map((id) => nodes[id]),
    ownBranches,
  );
  // LangGraph would demand every key of the context; all of them may be left out.
  return withScreening(withoutStepLimit(compiled as unknown as Conversation), scenario);
}

/**
 * Follows the moderator's decision. A runnable, not a function: LangGraph would wrap that in a traced run of its own, for a
 * look at two fields.
 */
class NextSpeaker extends Runnable<ConversationState, string> {
  lc_namespace = ["dramatis"];

  override async invoke({ status, next }: ConversationState): Promise<string> {
    return status === "running" && next !== undefined ? next.speaker : END;
  }
}

/** Many conversations may share their passages. */
const indexOf = oncePer((passages: readonly Passage[]) => createKnowledgeIndex(passages));

/** A model that is named wrongly is found before anything is paid, not when its persona first speaks. */
function checkModels({ cast, moderator }: Scenario, catalog: Catalog): void {
  for (const { model } of cast) if (model !== undefined) catalog.model(model);
  if (moderator.policy === "model" && moderator.model !== undefined) catalog.model(moderator.model);
}

const TOOL_NAME = /^[\w-]{1,64}$/;

/** Providers reject every request that offers a tool under a name they do not take, or two under one. */
function checkToolNames(tools: readonly StructuredToolInterface[]): void {
  const taken = new Set<string>([SEARCH_TOOL_NAME, ANSWER_TOOL]);
  for (const { name } of tools) {
    const expected = taken.has(name) ? "a name of its own" : "a name of letters, digits, _ and -, 64 at most";
    if (taken.has(name) || !TOOL_NAME.test(name)) {
      throw new DramatisError("invalid-argument", `Tool ${JSON.stringify(name)}: expected ${expected}.`);
    }
    taken.add(name);
  }
}

/** As a subgraph it would get its parent's limit of 25 steps with every call, which is about twelve turns. */
function withoutStepLimit(graph: Conversation): Conversation {
  const stream = graph.stream.bind(graph);
  graph.stream = ((input, options) =>
    stream(input, { ...options, recursionLimit: RECURSION_LIMIT })) as typeof graph.stream;
  return graph;
}
