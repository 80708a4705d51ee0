/**
 * The public names of `dramatis`. What is not here stays inside: prompts, the nodes' internals, the wire client and
 * rendering may change without notice.
 */
export { createKnowledgeIndex, type KnowledgeIndex, type SearchScope } from "../tools/knowledge-index.ts";
export { createSearchTool, type SearchTool, type SearchToolOptions } from "../tools/search-knowledge-base.ts";
export {
  type Dramatis,
  type DramatisOptions,
  type LimitedAccount,
  type LogOptions,
  newConversationId,
  openDramatis,
  type RunScenarioOptions,
} from "./app.ts";
export {
  type Catalog,
  type CatalogInput,
  loadCatalog,
  type ModelChanges,
  resolveCatalog,
} from "./catalog/catalog.ts";
export type { Ending } from "./conversation/endings.ts";
export type { ConversationEvent, TokenEvent } from "./conversation/events.ts";
export { type Conversation, type ConversationParts, createConversation } from "./conversation/graph.ts";
export { candidates, type Policy, type PolicyChoice } from "./conversation/policies.ts";
export { type RecordParts, recordOf } from "./conversation/record.ts";
export { type RunOptions, runConversation } from "./conversation/run.ts";
export type {
  ConversationContextInput,
  ConversationInput,
  ConversationOutput,
  ConversationState,
  ConversationUpdate,
} from "./conversation/state.ts";
export type { ConversationView } from "./conversation/view.ts";
export { type Answer, answerSchema } from "./domain/answer.ts";
export type { Attempt } from "./domain/attempt.ts";
export { ConversationError } from "./domain/conversation-error.ts";
export {
  DramatisError,
  type ErrorCode,
  InvalidFilesError,
  type Problem,
  type RequestFailure,
} from "./domain/errors.ts";
export type { FoundPassage, Passage } from "./domain/knowledge.ts";
export { catalogSchema, type ModelInfo, type SelectionRule } from "./domain/model-info.ts";
export { formatUsd, nanoUsd } from "./domain/money.ts";
export { type Persona, type PersonaInput, personaSchema } from "./domain/persona.ts";
export {
  type ConversationRecord,
  conversationRecordSchema,
  type EndingRecord,
  type Status,
} from "./domain/record.ts";
export {
  type EndingSettings,
  type ScenarioFile,
  type ScenarioInput,
  type StructuredMethod,
  scenarioSchema,
} from "./domain/scenario.ts";
export type { Notice, Screening, SecretPolicy } from "./domain/screening.ts";
export type { Summary, SummaryEntry } from "./domain/summary.ts";
export type {
  Choice,
  FailureKind,
  ModelChoice,
  Rating,
  ToolCall,
  Turn,
  TurnFailure,
} from "./domain/turn.ts";
export type { AskedTier, Purpose, SentTier, Subtotal, Tier, Totals, UsageEntry } from "./domain/usage.ts";
export type { Factor, Levels } from "./experiment/design.ts";
export {
  type Arm,
  type Experiment,
  type ExperimentOptions,
  findExperiment,
} from "./experiment/experiment-file.ts";
export type { StoredExperiment } from "./experiment/plan.ts";
export { type ExperimentResults, experimentResults } from "./experiment/read-results.ts";
export type { ArmDifference, ArmSummary, Estimates, Measure, ResultRow } from "./experiment/results.ts";
export type { Estimate } from "./experiment/statistics.ts";
export { type ExportOptions, exportConversations, exportTrainingExamples, exportTurns } from "./export.ts";

export type { QueueDepth } from "./fleet/queue.ts";
export type { FleetWorker } from "./fleet/worker.ts";
export type { LengthLimits } from "./guard/lengths.ts";
export { costNanoUsd, type TokenCounts } from "./ledger/cost.ts";
export { totalsOf } from "./ledger/totals.ts";
export { UsageHandler, type UsageHandlerOptions } from "./ledger/usage-handler.ts";
export type { TextPiece } from "./model/answer-text.ts";
export type { BatchClient } from "./model/batch/batch-client.ts";
export type { BatchResult } from "./model/batch/batch-results.ts";
export type {
  BatchAnswer,
  BatchAnswers,
  BatchProgress,
  BatchPrompt,
  PromptBatchOptions,
} from "./model/batch/prompt-batch.ts";
export type { PromptSecrets } from "./model/batch/prompt-checks.ts";
export type { BatchProblem, BatchStatus, ProviderBatch } from "./model/batch/provider-batch.ts";
export type { WaveTiming } from "./model/batch/wave-plan.ts";
export type { Webhook } from "./model/batch/webhook.ts";
export { type Budget, createBudget, type Reservation } from "./model/budget.ts";
export type {
  ChatRequest as ModelRequest,
  Completion,
  Deadline,
  Delta,
  Exchange,
  Labels,
  Send,
} from "./model/exchange.ts";
export type { FailureLogOptions, WarningLogger } from "./model/failure-log.ts";
export {
  type Ask,
  createGateway,
  type Gateway,
  type GatewayOptions,
  type ModelLine,
  type ModelLineSettings,
} from "./model/gateway.ts";
export { createMemoryCache, type MemoryCacheOptions } from "./model/memory-cache.ts";
export { ModelError, type ModelErrorFields } from "./model/model-error.ts";
export type { ObservedAttempt, ObservedUsage, RequestObserver } from "./model/observer.ts";
export {
  createLimiter,
  type Limiter,
  type LimiterOptions,
  type Limits,
  type Permit,
  type PermitRequest,
} from "./model/pace/limiter.ts";
export type { Priority } from "./model/pace/permit.ts";
export type { Timer } from "./model/pace/timer.ts";
export type { RunLine } from "./model/recording/exchange-lines.ts";
export type { KeptFailure, Outcome } from "./model/recording/outcome.ts";
export { createRecorder, type Recorder, type RecorderOptions } from "./model/recording/recorder.ts";
export { openReplay, type Replay, type ReplayOptions } from "./model/recording/replay.ts";
export type { Reply, ReplyOutcome, RequestedCall } from "./model/reply.ts";
export type { ResponseCache } from "./model/response-cache.ts";
export type { OfflineBatchFaults } from "./offline/batch/line-answers.ts";
export type { OfflineBatchOptions } from "./offline/batch/options.ts";
export type { OfflineWebhook } from "./offline/batch/webhook.ts";
export type { Bill, BilledTier, BillLine, Charge, Payer } from "./offline/bill.ts";
export type { FaultKind, FaultOptions } from "./offline/faults.ts";
export type { Listening } from "./offline/listen.ts";
export type { Delay, Latency } from "./offline/pace.ts";
export type { PastCharge } from "./offline/past-charge.ts";
export type {
  ChatMessage,
  ChatRequest,
  GeneratedReply,
  Generator,
  ResponseFormat,
  ServiceTier,
  TokenUsage,
  ToolCallOnWire,
  ToolOnWire,
} from "./offline/protocol.ts";
export type { RateLimit, RejectionHeaders } from "./offline/rate-limit.ts";
export type { Script, ScriptedAnswer, ScriptedContent, ScriptStep } from "./offline/script.ts";
export type { ServedModel } from "./offline/served-models.ts";
export {
  createOfflineServer,
  type OfflineBatches,
  type OfflineServer,
  type OfflineServerOptions,
  type RecordedRequest,
} from "./offline/server.ts";
export type { Traffic } from "./offline/traffic.ts";
export {
  type CostDimension,
  type CostRow,
  type OrganizationCostsOptions,
  organizationCosts,
} from "./organization/costs.ts";
export {
  type DailyCostRow,
  type DailyCosts,
  type DailyCostsOptions,
  dailyCosts,
} from "./organization/daily-costs.ts";
export type { BucketWidth, ReportOptions } from "./organization/options.ts";
export type { Bucket } from "./organization/pages.ts";
export {
  type ReconcileOptions,
  type Reconciliation,
  reconcileLedger,
  type TracedRow,
} from "./organization/reconcile.ts";
export type { Amounts } from "./organization/reconciliation/amounts.ts";
export type { ChargedRow } from "./organization/reconciliation/charged.ts";
export type { Lost } from "./organization/reconciliation/lost-answers.ts";
export type { Place } from "./organization/reconciliation/places.ts";
export type { Counted, ReconciledRow, Verdict } from "./organization/reconciliation/reconciled.ts";
export {
  type OrganizationUsageOptions,
  organizationUsage,
  type UsageDimension,
  type UsageRow,
} from "./organization/usage.ts";
export type { Bound, MostPrices } from "./quote/bound.ts";
export type { Expected, ExpectedUse, Prices } from "./quote/expected.ts";
export type { Quote, QuoteBudget, QuoteOptions, QuoteSample } from "./quote/quote.ts";
export type { ConversationRow, TurnRow } from "./report/export-rows.ts";
export { type MessageLine, messageLines } from "./report/message-lines.ts";
export type { TrainingExample, TrainingMessage } from "./report/training-example.ts";
export { transcriptMarkdown } from "./report/transcript.ts";
export { findScenario } from "./scenario/find-scenario.ts";
export { loadKnowledge } from "./scenario/knowledge.ts";
export type { PassageInput, ScenarioParts } from "./scenario/parts.ts";
export { loadPersona, loadPersonas } from "./scenario/personas.ts";
export { loadScenario, resolveScenario, type Scenario, type ScenarioOptions } from "./scenario/scenario.ts";
export type { Transport } from "./simulation/plan-checks.ts";
export type { ExperimentPlan, SimulationPlan } from "./simulation/planning.ts";
export {
  type HeldConversation,
  openSimulations,
  type Simulations,
  type SimulationsOptions,
  type WorkerOptions,
} from "./simulation/simulations.ts";
export type { ConversationStatus } from "./store/conversations.ts";
export type { EngineName } from "./store/engine.ts";
export type { Progress } from "./store/progress.ts";
export type { LedgerGap } from "./store/spending.ts";
export type { OnStatement, PreparedStatement, Sql } from "./store/sql.ts";
export { openStore, type Store, type StoreOptions } from "./store/store.ts";
export {
  type ExplainedPart,
  type ExplainedPrompt,
  type ExplainedRequest,
  explainPrompt,
  type SentPrompt,
  type SentRequest,
} from "./turn/sent-prompt.ts";
export type { KeySource } from "./vault/find-key.ts";
export type { LockOptions } from "./vault/lock.ts";
export type { Env } from "./vault/place.ts";
export {
  type NewKey,
  openVault,
  type Rotation,
  type StoredKey,
  type Vault,
  type VaultOptions,
} from "./vault/vault.ts";
export type { KeyKind } from "./vault/vault-file.ts";
