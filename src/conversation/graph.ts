/** The graph of a conversation: START -> moderator -> a persona -> moderator -> … -> END. */
import type { StructuredToolInterface } from "@langchain/core/tools";
import {
  type BaseCheckpointSaver,
  Command,
  type CompiledGraph,
  END,
  type LangGraphRunnableConfig,
  START,
  StateGraph,
} from "@langchain/langgraph";
import { categoriesInScope, createKnowledgeIndex } from "../../tools/knowledge-index.ts";
import { createSearchTool } from "../../tools/search-knowledge-base.ts";
import type { Gateway } from "../model/gateway.ts";
import type { Scenario } from "../scenario/scenario.ts";
import type { Ending } from "./endings.ts";
import { createModeratorNode } from "./moderator-node.ts";
import { createPersonaNode } from "./persona-node.ts";
import type { Policy } from "./policies.ts";
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

export interface ConversationParts {
  /** The only way to a model; see `createGateway`. */
  gateway: Gateway;
  /** Any LangGraph checkpointer. Default: none, the conversation lives in one call. */
  checkpointer?: BaseCheckpointSaver | undefined;
  /** Chooses speakers instead of the scenario's policy. */
  policy?: Policy | undefined;
  /** Further endings, asked after the scenario's. */
  endings?: readonly Ending[] | undefined;
  /** Further tools that every persona may call. */
  tools?: readonly StructuredToolInterface[] | undefined;
  /** Ends the conversation before the next turn, with status `interrupted`. */
  stopSignal?: AbortSignal | undefined;
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
  ConversationOutput
>;

/** LangGraph validates the context but does not fill in its defaults. */
const contextOf = (config: LangGraphRunnableConfig) => conversationContext.parse(config.context ?? {});

/** Far above any conversation; endings stop a conversation, not LangGraph's limit of 25 steps. */
const RECURSION_LIMIT = 1_000_000;

/**
 * Compiles a scenario into a LangGraph whose nodes are the moderator and one node per persona, named by its id.
 *
 * Input: nothing, or `{ topic, opening, seed, messages }`. Output: `messages`, `turns`, `failures`, `usage`, `totals`,
 * `complexity`, `status` and `ending`. Context: `{ complexity, models, budget, maxTurns }`. Streams events
 * `{ type: "choice" | "turn" | "failure", … }` in mode `custom`.
 */
export function createConversation(scenario: Scenario, parts: ConversationParts): Conversation {
  const { gateway } = parts;
  const clock = parts.clock ?? Date.now;
  const index = createKnowledgeIndex(scenario.passages);
  const moderate = createModeratorNode({
    scenario,
    gateway,
    clock,
    drawSeed: parts.drawSeed ?? (() => Math.floor(Math.random() * 2 ** 31)),
    policy: parts.policy,
    endings: parts.endings ?? [],
    stopSignal: parts.stopSignal,
  });
  const categories = [...categoriesInScope(index).keys()];
  const ids = scenario.cast.map(({ id }) => id);

  const graph = new StateGraph({
    state: conversationState,
    input: conversationInput,
    output: conversationOutput,
    context: conversationContext,
    nodes: ["moderator", ...ids],
  });
  graph.addNode(
    "moderator",
    async (state: ConversationState, config: LangGraphRunnableConfig) => {
      const { update, speaker } = await moderate(state, contextOf(config), config);
      return new Command({ update, goto: speaker ?? END });
    },
    { ends: [...ids, END], metadata: { kind: "moderator", policy: scenario.moderator.policy } },
  );
  graph.addEdge(START, "moderator");
  for (const persona of scenario.cast) {
    const search =
      categories.length === 0
        ? []
        : [createSearchTool(index, { personaId: persona.id, categories: persona.knowledge })];
    const tools = [...search, ...(parts.tools ?? [])];
    const speak = createPersonaNode({ scenario, persona, gateway, tools, categories, clock });
    graph.addNode(
      persona.id,
      (state: ConversationState, config: LangGraphRunnableConfig) => speak(state, contextOf(config), config),
      { metadata: { kind: "persona", persona: persona.id, name: persona.name, role: persona.role } },
    );
    graph.addEdge(persona.id, "moderator");
  }
  const compiled = graph
    .compile({
      name: scenario.id,
      ...(parts.checkpointer === undefined ? {} : { checkpointer: parts.checkpointer }),
    })
    .withConfig({ recursionLimit: RECURSION_LIMIT });
  // LangGraph would demand every key of the context; all of them may be left out.
  return compiled as unknown as Conversation;
}
