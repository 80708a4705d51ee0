/** The public surface: whoever adds or removes a name changes this list, and the changelog with it. */
import { join } from "node:path";
import ts from "typescript";
import { expect, it } from "vitest";
import type {
  Attempt,
  Budget,
  Completion,
  ConversationUpdate,
  FleetWorker,
  Limiter,
  Limits,
  LogOptions,
  Progress,
  RequestFailure,
  ScriptedAnswer,
  TokenEvent,
} from "../src/index.ts";
import * as dramatis from "../src/index.ts";

/** What public signatures name, an embedder must be able to name: this does not compile where one is missing. */
interface Named {
  attempt: dramatis.ConversationRecord["attempts"][number] & Attempt;
  budget: dramatis.Dramatis["budget"] & Budget;
  completion: Awaited<ReturnType<dramatis.ResponseCache["get"]>> & Completion;
  failure: Extract<dramatis.ErrorCode, RequestFailure>;
  limiter: dramatis.GatewayOptions["limiter"] & Limiter;
  limits: dramatis.DramatisOptions["limits"] & Limits;
  log: dramatis.DramatisOptions["log"] & LogOptions;
  scripted: dramatis.ScriptStep & ScriptedAnswer;
  token: Extract<dramatis.ConversationEvent, TokenEvent>;
  worker: Awaited<ReturnType<dramatis.Simulations["work"]>> & FleetWorker;
  progress: Awaited<ReturnType<dramatis.Simulations["progress"]>> & Progress;
  update: Partial<dramatis.ConversationState> & ConversationUpdate;
}

it("lets two gateways share a budget and a limiter by its own names", async () => {
  const budget: Named["budget"] = dramatis.createBudget({ maxCostUsd: 0.001 });
  const limiter: Named["limiter"] = dramatis.createLimiter({ limits: { requestsPerMinute: 60_000 } });
  const catalog = dramatis.loadCatalog();
  const scenario = dramatis.findScenario("product-roundtable");
  const server = dramatis.createOfflineServer({ models: [...catalog.models.values()] });
  const options = {
    catalog,
    apiKey: "none",
    baseUrl: "http://offline.invalid/v1",
    fetch: server.fetch,
    budget,
    limiter,
  };
  const outputs = await Promise.all(
    [1, 2].map((seed) =>
      dramatis.createConversation(scenario, { gateway: dramatis.createGateway(options) }).invoke({ seed }),
    ),
  );
  expect(outputs.map(({ status }) => status)).toEqual(["budget", "budget"]);
  expect(budget.spentNanoUsd).toBe(outputs.reduce((sum, { totals }) => sum + (totals.costNanoUsd ?? 0), 0));
  expect(server.bill.costNanoUsd).toBeLessThanOrEqual(budget.capNanoUsd);
});

it("exports these values and no others", () => {
  expect(Object.keys(dramatis).sort()).toEqual([
    "ConversationError",
    "DramatisError",
    "InvalidFilesError",
    "UsageHandler",
    "answerSchema",
    "candidates",
    "catalogSchema",
    "conversationRecordSchema",
    "costNanoUsd",
    "createBudget",
    "createConversation",
    "createGateway",
    "createKnowledgeIndex",
    "createLimiter",
    "createMemoryCache",
    "createOfflineServer",
    "createRecorder",
    "createSearchTool",
    "dailyCosts",
    "experimentResults",
    "explainPrompt",
    "exportConversations",
    "exportTrainingExamples",
    "exportTurns",
    "findExperiment",
    "findScenario",
    "formatUsd",
    "loadCatalog",
    "loadKnowledge",
    "loadPersona",
    "loadPersonas",
    "loadScenario",
    "messageLines",
    "nanoUsd",
    "newConversationId",
    "openDramatis",
    "openReplay",
    "openSimulations",
    "openStore",
    "openVault",
    "organizationCosts",
    "organizationUsage",
    "personaSchema",
    "recordOf",
    "resolveCatalog",
    "resolveScenario",
    "runConversation",
    "scenarioSchema",
    "totalsOf",
    "transcriptMarkdown",
  ]);
});

it("says of every public name what it is, where editors show it", { timeout: 60_000 }, () => {
  const file = join(import.meta.dirname, "../src/index.ts");
  const options = { module: ts.ModuleKind.NodeNext, allowImportingTsExtensions: true, noEmit: true };
  const program = ts.createProgram([file], { ...options, types: ["node"] });
  const checker = program.getTypeChecker();
  const source = program.getSourceFile(file);
  const module = source && checker.getSymbolAtLocation(source);
  const names = module === undefined ? [] : checker.getExportsOfModule(module);
  const silent = names.filter(
    (name) => checker.getAliasedSymbol(name).getDocumentationComment(checker).length === 0,
  );
  expect(names.length).toBeGreaterThan(100);
  expect(silent.map(({ name }) => name)).toEqual([]);
});
