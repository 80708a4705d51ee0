/** The public surface: whoever adds or removes a name changes this list, and the changelog with it. */
import { expect, it } from "vitest";
import * as dramatis from "../src/index.ts";

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
    "createConversation",
    "createGateway",
    "createKnowledgeIndex",
    "createOfflineServer",
    "createSearchTool",
    "explainPrompt",
    "findScenario",
    "formatUsd",
    "loadCatalog",
    "loadKnowledge",
    "loadPersona",
    "loadPersonas",
    "loadScenario",
    "messageLines",
    "nanoUsd",
    "openDramatis",
    "openVault",
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
