/** The public surface: whoever adds or removes a name changes this list, and the changelog with it. */
import { expect, it } from "vitest";
import * as dramatis from "../src/index.ts";

it("exports these values and no others", () => {
  expect(Object.keys(dramatis).sort()).toEqual([
    "DramatisError",
    "InvalidFilesError",
    "RECORD_VERSION",
    "UsageHandler",
    "addTotals",
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
    "findScenario",
    "loadCatalog",
    "loadKnowledge",
    "loadPersona",
    "loadPersonas",
    "loadScenario",
    "messageLines",
    "newConversationId",
    "openDramatis",
    "personaSchema",
    "resolveScenario",
    "runConversation",
    "scenarioSchema",
    "search",
    "totalsOf",
    "transcriptMarkdown",
  ]);
});
