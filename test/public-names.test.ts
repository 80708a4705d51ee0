/** The public surface: whoever adds or removes a name changes this list, and the changelog with it. */
import { join } from "node:path";
import ts from "typescript";
import { describe, expect, it } from "vitest";
import * as dramatis from "../src/index.ts";

it("lets two gateways share a budget and a limiter by its own names", async () => {
  const budget: dramatis.Budget = dramatis.createBudget({ maxCostUsd: 0.001 });
  const limiter: dramatis.Limiter = dramatis.createLimiter({ limits: { requestsPerMinute: 60_000 } });
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
    "ModelError",
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
    "reconcileLedger",
    "recordOf",
    "resolveCatalog",
    "resolveScenario",
    "runConversation",
    "scenarioSchema",
    "totalsOf",
    "transcriptMarkdown",
  ]);
});

/** The types that a declaration names where its users see it, in this project's own exported words. */
function namedIn(declaration: ts.Node, resolve: (name: ts.EntityName) => ts.Symbol | undefined): ts.Symbol[] {
  const named: ts.Symbol[] = [];
  const visit = (node: ts.Node | undefined): void => {
    if (node === undefined || ts.isBlock(node) || ts.isHeritageClause(node)) return;
    // Its members are reached by the type that is public; a value's type is what it says of itself.
    if (ts.isIndexedAccessTypeNode(node)) visit(node.indexType);
    else if (ts.isVariableDeclaration(node) || ts.isPropertyDeclaration(node) || ts.isParameter(node))
      visit(node.type);
    else {
      const symbol = ts.isTypeReferenceNode(node) ? resolve(node.typeName) : undefined;
      if (symbol !== undefined) named.push(symbol);
      ts.forEachChild(node, visit);
    }
  };
  visit(declaration);
  return named;
}

describe("the public module", () => {
  const file = join(import.meta.dirname, "../src/index.ts");
  const options = { module: ts.ModuleKind.NodeNext, allowImportingTsExtensions: true, noEmit: true };
  const program = ts.createProgram([file], { ...options, types: ["node"] });
  const checker = program.getTypeChecker();
  const source = program.getSourceFile(file);
  const module = source && checker.getSymbolAtLocation(source);
  const names = module === undefined ? [] : checker.getExportsOfModule(module);
  const target = (symbol: ts.Symbol) =>
    symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
  const exported = names.map(target);

  it("says of every name what it is, where editors show it", () => {
    const silent = exported.filter((name) => name.getDocumentationComment(checker).length === 0);
    expect(names.length).toBeGreaterThan(100);
    expect(silent.map(({ name }) => name)).toEqual([]);
  });

  it("exports every type that its signatures name", () => {
    const isOwn = (symbol: ts.Symbol) =>
      symbol.declarations?.some(
        (declaration) =>
          ts.getCombinedModifierFlags(declaration as ts.Declaration) & ts.ModifierFlags.Export &&
          !declaration.getSourceFile().fileName.includes("node_modules"),
      ) ?? false;
    const resolve = (name: ts.EntityName) => {
      const symbol = checker.getSymbolAtLocation(name);
      return symbol && target(symbol);
    };
    const named = exported.flatMap((symbol) =>
      (symbol.declarations ?? []).flatMap((declaration) => namedIn(declaration, resolve)),
    );
    const known = new Set(exported);
    expect(named.filter(isOwn).length).toBeGreaterThan(200);
    expect(named.filter((symbol) => isOwn(symbol) && !known.has(symbol)).map(({ name }) => name)).toEqual([]);
  });
});
