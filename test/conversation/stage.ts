/** A small stage for tests: three personas, an offline server in process and a gateway on it. */

import { loadCatalog } from "../../src/catalog/catalog.ts";
import type { ConversationEvent } from "../../src/conversation/events.ts";
import type { ConversationParts } from "../../src/conversation/graph.ts";
import { createConversation } from "../../src/conversation/graph.ts";
import { type RunOptions, runConversation } from "../../src/conversation/run.ts";
import type { Passage } from "../../src/domain/knowledge.ts";
import type { PersonaInput } from "../../src/domain/persona.ts";
import type { ScenarioInput } from "../../src/domain/scenario.ts";
import { createGateway, type GatewayOptions } from "../../src/model/gateway.ts";
import { generateReply } from "../../src/offline/generator/generator.ts";
import { createOfflineServer, type OfflineServerOptions } from "../../src/offline/server.ts";
import { resolveScenario } from "../../src/scenario/scenario.ts";

export const PASSAGES: Passage[] = [
  {
    id: "cold-starts#1",
    title: "Cold starts",
    category: "technical",
    text: "Cold starts took 900 ms on the old fleet.",
  },
  {
    id: "churn#1",
    title: "Churn",
    category: "business",
    text: "Customers leave after the third failed export.",
  },
];

export function persona(id: string, more: Partial<PersonaInput> = {}): PersonaInput {
  return {
    id,
    name: id[0]?.toUpperCase() + id.slice(1),
    role: "Engineer",
    background: `${id} has run export pipelines for ten years.`,
    personality: {
      kind: "analytical",
      traits: ["patient"],
      communicationStyle: "Short sentences.",
      bigFive: {
        openness: 0.5,
        conscientiousness: 0.5,
        extraversion: 0.5,
        agreeableness: 0.5,
        neuroticism: 0.5,
      },
    },
    expertise: ["exports"],
    goals: ["decide what to fix first"],
    ...more,
  };
}

export const SCENARIO: ScenarioInput = {
  id: "exports",
  title: "Exports",
  topic: "Which part of the export pipeline should be fixed first?",
  opening: "What should we fix first?",
  cast: [persona("ada"), persona("ben"), persona("cleo")],
  moderator: { policy: "round-robin" },
  endings: [{ maxTurns: 3 }],
  complexity: "low",
  seed: 7,
};

/** An answer of the demanded shape. */
export const answer = (message: string, more: Record<string, unknown> = {}) => ({
  message,
  confidence: 0.8,
  reasoning: "Because.",
  relevantExpertise: ["exports"],
  emotions: ["calm"],
  addressedTo: null,
  citations: [],
  wantsToConclude: false,
  ...more,
});

export interface StageOptions {
  scenario?: Partial<ScenarioInput>;
  passages?: Passage[];
  server?: Partial<OfflineServerOptions>;
  gateway?: Partial<GatewayOptions>;
  parts?: Partial<ConversationParts>;
}

/** Time stands still, so that records compare. */
export const CLOCK = () => Date.UTC(2026, 0, 2, 3, 4, 5);

export async function openStage(options: StageOptions = {}) {
  const catalog = options.gateway?.catalog ?? (await loadCatalog());
  const server = createOfflineServer({
    models: [...catalog.models.values()],
    generator: generateReply,
    clock: CLOCK,
    ...options.server,
  });
  const gateway = createGateway({
    catalog,
    apiKey: "offline",
    baseUrl: "http://offline.invalid/v1",
    fetch: server.fetch,
    maxRetries: 0,
    hasOpenAiOptions: true,
    ...options.gateway,
  });
  const scenario = resolveScenario(
    { ...SCENARIO, ...options.scenario },
    { personas: [], passages: options.passages ?? PASSAGES },
  );
  const graph = createConversation(scenario, { gateway, clock: CLOCK, ...options.parts });
  const events: ConversationEvent[] = [];
  const run = (more: Partial<RunOptions> = {}) =>
    runConversation(graph, {
      scenario,
      conversationId: "test",
      transport: "offline",
      clock: CLOCK,
      onEvent: (event) => events.push(event),
      ...more,
    });
  return { server, gateway, scenario, graph, events, run };
}

export interface SentMessage {
  role: string;
  name?: string;
  content: string;
}

/** The body of a request the server kept: its messages and whatever else was sent. */
export function bodyOf(request: { readonly body: unknown } | undefined) {
  if (request === undefined) throw new Error("no such request was sent");
  return request.body as { messages: SentMessage[]; temperature?: number };
}
