import { describe, expect, it } from "vitest";
import {
  answerTo,
  fixedGenerator,
  post,
  requestOf,
  SEARCH_TOOL,
  startServer,
  VERDICT,
  verdictFormat,
} from "./fixture.ts";

describe("the generator", () => {
  it.each([
    [
      "content that breaks the schema",
      { response_format: verdictFormat },
      '{"verdict":"x","confidence":2,"addressedTo":null}',
    ],
    [
      "content with a key too many",
      { response_format: verdictFormat },
      JSON.stringify({ ...VERDICT, more: 1 }),
    ],
    ["content that is no JSON", { response_format: verdictFormat }, "Yes."],
    ["content where a call was demanded", { tools: [SEARCH_TOOL], tool_choice: "required" as const }, "Yes."],
    ["nothing", {}, ""],
  ])("is never allowed to send %s", async (_what, more, content) => {
    const server = startServer({ generator: () => ({ kind: "content", content }) });
    const response = await post(server, requestOf(more));
    expect(response.status).toBe(500);
    expect(response.headers.get("x-should-retry")).toBe("false");
    expect(server.faults).toHaveLength(1);
    expect(server.bill.requests).toBe(0);
  });

  it.each([
    ["of a tool that was not offered", {}, [{ name: "dig", arguments: "{}" }]],
    ["that break the tool's schema", {}, [{ name: "search", arguments: '{"q":"x"}' }]],
    [
      "where none is allowed",
      { tool_choice: "none" as const },
      [{ name: "search", arguments: '{"query":"x"}' }],
    ],
    [
      "in parallel where that is forbidden",
      { parallel_tool_calls: false },
      [
        { name: "search", arguments: '{"query":"x"}' },
        { name: "search", arguments: '{"query":"y"}' },
      ],
    ],
  ])("is never allowed to send calls %s", async (_what, more, calls) => {
    const server = startServer({ generator: () => ({ kind: "tool-calls", calls }) });
    const response = await post(server, requestOf({ tools: [SEARCH_TOOL], ...more }));
    expect(response.status).toBe(500);
    expect(server.faults).toHaveLength(1);
  });

  it("leaves no fault when it keeps its contract", async () => {
    const server = startServer({ generator: fixedGenerator });
    await answerTo(server, { response_format: verdictFormat, tools: [SEARCH_TOOL] });
    expect(server.faults).toEqual([]);
  });
});
