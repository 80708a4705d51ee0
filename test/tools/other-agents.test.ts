/** The tool and the usage handler in somebody else's agent: LangChain's own `createAgent`, over the wire. */
import { ChatOpenAI } from "@langchain/openai";
import { createAgent } from "langchain";
import { expect, it } from "vitest";
import { loadCatalog } from "../../src/catalog/catalog.ts";
import { UsageHandler } from "../../src/ledger/usage-handler.ts";
import { generateReply } from "../../src/offline/generator/generator.ts";
import { createOfflineServer } from "../../src/offline/server.ts";
import { createKnowledgeIndex } from "../../tools/knowledge-index.ts";
import { createSearchTool } from "../../tools/search-knowledge-base.ts";

it("searches for an agent that is not ours, and its tokens and dollars are counted", async () => {
  const catalog = loadCatalog();
  const server = createOfflineServer({ models: [...catalog.models.values()], generator: generateReply });
  const call = {
    name: "search_knowledge_base",
    arguments: JSON.stringify({ query: "cold starts", category: null }),
  };
  server.script.next(
    { kind: "tool-calls", calls: [call] },
    { kind: "content", content: "They take 900 ms." },
  );
  const index = createKnowledgeIndex([
    { id: "cold-starts#1", title: "Cold starts", category: "technical", text: "Cold starts took 900 ms." },
  ]);
  const model = new ChatOpenAI({
    model: "gpt-4.1-mini",
    apiKey: "offline",
    configuration: { baseURL: "http://offline.invalid/v1", fetch: server.fetch },
  });
  const usage = new UsageHandler({ catalog });

  const agent = createAgent({ model, tools: [createSearchTool(index)] });
  const { messages } = await agent.invoke(
    { messages: [{ role: "user", content: "How long do cold starts take?" }] },
    { callbacks: [usage] },
  );

  expect(messages.map(({ type }) => type)).toEqual(["human", "ai", "tool", "ai"]);
  expect(messages[2]?.text).toContain('"id":"cold-starts#1"');
  expect(usage.totals.requests).toBe(2);
  expect(usage.totals.costNanoUsd).toBe(server.bill.costNanoUsd);
  expect(server.faults).toEqual([]);
});
