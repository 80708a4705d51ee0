import { convertToOpenAITool } from "@langchain/core/utils/function_calling";
import { describe, expect, it } from "vitest";
import type { Passage } from "../../src/domain/knowledge.ts";
import { createKnowledgeIndex } from "../../tools/knowledge-index.ts";
import { createSearchTool, SEARCH_TOOL_NAME } from "../../tools/search-knowledge-base.ts";

const passages: Passage[] = [
  { id: "cache#1", title: "Caches", category: "technical", text: "A cache keeps what was computed once." },
  { id: "queue#1", title: "Queues", category: "technical", text: "A queue hides a slow worker." },
  {
    id: "price#1",
    title: "Prices",
    category: "business",
    text: "Nobody reads a price list.",
    personas: ["ada"],
  },
];
const index = createKnowledgeIndex(passages);

describe("createSearchTool", () => {
  it("answers with passages as JSON text", async () => {
    const text = await createSearchTool(index).invoke({ query: "slow queue", category: null });
    expect(JSON.parse(text)).toEqual({ passages: [{ ...passages[1], score: expect.any(Number) }] });
  });

  it("searches everything when the category is left out", async () => {
    const tool = createSearchTool(index);
    const whole = await tool.invoke({ query: "slow queue", category: null });
    expect(await tool.invoke({ query: "slow queue" })).toBe(whole);
    expect(await tool.invoke({ query: "slow queue", category: undefined })).toBe(whole);
  });

  it("answers a tool call with a tool message", async () => {
    const call = {
      type: "tool_call" as const,
      id: "call-1",
      name: SEARCH_TOOL_NAME,
      args: { query: "cache", category: "technical" },
    };
    const message: unknown = await createSearchTool(index).invoke(call);
    expect(message).toMatchObject({ tool_call_id: "call-1", name: "search_knowledge_base" });
    expect(message).toHaveProperty("content", expect.stringContaining('"cache#1"'));
  });

  it("says what exists when nothing matches", async () => {
    const text = await createSearchTool(index).invoke({ query: "zebra", category: "business" });
    expect(JSON.parse(text)).toEqual({
      passages: [],
      note: "Nothing matches in business. Try other words or no category. The categories are: business (1 passage), technical (2 passages).",
    });
  });

  it("neither finds nor counts what a persona may not see, yet is the same tool for everyone", async () => {
    const tool = createSearchTool(index, { personaId: "grace" });
    const text = await tool.invoke({ query: "price list", category: null });
    expect(JSON.parse(text)).toEqual({
      passages: [],
      note: "Nothing matches. Try other words. The categories are: technical (2 passages).",
    });
    expect(convertToOpenAITool(tool)).toEqual(convertToOpenAITool(createSearchTool(index)));
  });

  it("has a schema that strict mode accepts: every key required, the category an enum or null", () => {
    expect(convertToOpenAITool(createSearchTool(index)).function).toMatchObject({
      name: "search_knowledge_base",
      description: expect.stringContaining("The categories are: business, technical."),
      parameters: {
        type: "object",
        properties: {
          query: { type: "string" },
          category: { anyOf: [{ type: "string", enum: ["business", "technical"] }, { type: "null" }] },
        },
        required: ["query", "category"],
        additionalProperties: false,
      },
    });
  });

  it("refuses a category that does not exist", async () => {
    const ask = createSearchTool(index).invoke({ query: "cache", category: "legal" });
    await expect(ask).rejects.toThrow(/expected one of "business"\|"technical"/);
  });

  it("works without any document in scope", async () => {
    const tool = createSearchTool(index, { categories: [] });
    expect(JSON.parse(await tool.invoke({ query: "cache", category: null }))).toEqual({
      passages: [],
      note: "Nothing matches. Try other words. There are no documents.",
    });
  });
});
