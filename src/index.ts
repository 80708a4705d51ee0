/**
 * The public names of `dramatis`. What is not here stays inside: prompts, the nodes' internals, the wire client and
 * rendering may change without notice.
 */

export { createKnowledgeIndex, type KnowledgeIndex, search } from "../tools/knowledge-index.ts";
export { createSearchTool, type SearchToolOptions } from "../tools/search-knowledge-base.ts";
export {
  type Dramatis,
  type DramatisOptions,
  newConversationId,
  openDramatis,
  type RunScenarioOptions,
} from "./app.ts";
export { type Catalog, loadCatalog } from "./catalog/catalog.ts";
export type { Ending } from "./conversation/endings.ts";
export { type Conversation, type ConversationParts, createConversation } from "./conversation/graph.ts";
export { candidates, type Policy, type PolicyChoice } from "./conversation/policies.ts";
export { type ConversationEvent, type RunOptions, runConversation } from "./conversation/run.ts";
export type {
  ConversationContext,
  ConversationContextInput,
  ConversationInput,
  ConversationOutput,
  ConversationState,
} from "./conversation/state.ts";
export type { ConversationView } from "./conversation/view.ts";
export { type Answer, answerSchema } from "./domain/answer.ts";
export { DramatisError, type ErrorCode, InvalidFilesError, type Problem } from "./domain/errors.ts";
export type { FoundPassage, Passage } from "./domain/knowledge.ts";
export { catalogSchema, type ModelInfo, type SelectionRule } from "./domain/model-info.ts";
export { type Persona, type PersonaInput, personaSchema } from "./domain/persona.ts";
export { type ConversationRecord, conversationRecordSchema, RECORD_VERSION } from "./domain/record.ts";
export { type ScenarioFile, type ScenarioInput, scenarioSchema } from "./domain/scenario.ts";
export type { Choice, FailureKind, Rating, ToolCall, Turn, TurnFailure } from "./domain/turn.ts";
export type { Purpose, Subtotal, Tier, Totals, UsageEntry } from "./domain/usage.ts";
export { costNanoUsd, type TokenCounts } from "./ledger/cost.ts";
export { addTotals, totalsOf } from "./ledger/totals.ts";
export { UsageHandler, type UsageHandlerOptions } from "./ledger/usage-handler.ts";
export { createGateway, type Gateway, type GatewayOptions } from "./model/gateway.ts";
export { createOfflineServer, type OfflineServer, type OfflineServerOptions } from "./offline/server.ts";
export { messageLines } from "./report/message-lines.ts";
export { transcriptMarkdown } from "./report/transcript.ts";
export { findScenario } from "./scenario/find-scenario.ts";
export { loadKnowledge } from "./scenario/knowledge.ts";
export { loadPersona, loadPersonas } from "./scenario/personas.ts";
export { loadScenario, resolveScenario, type Scenario, type ScenarioOptions } from "./scenario/scenario.ts";
