import { Annotation, Command, END, START, StateGraph } from "@langchain/langgraph";
import { describe, expect, it } from "vitest";
import { removeControlBranches, watchBranches } from "../../src/conversation/control-branches.ts";
import { openStage } from "./stage.ts";

const State = Annotation.Root({
  path: Annotation<string[]>({ reducer: (a, b) => a.concat(b), default: () => [] }),
});

const build = () =>
  new StateGraph(State)
    .addNode("first", () => ({ path: ["first"] }))
    .addNode("second", () => ({ path: ["second"] }))
    .addNode("jumper", () => new Command({ update: { path: ["jumper"] }, goto: "first" }), {
      ends: ["first"],
    })
    .addEdge(START, "jumper")
    .addEdge("second", END)
    .addConditionalEdges("first", ({ path }) => (path.includes("second") ? END : "second"), ["second", END]);

describe("removeControlBranches", () => {
  it("leaves a node its own branches and edges", async () => {
    const graph = build();
    const own = watchBranches(graph);
    const compiled = graph.compile();
    removeControlBranches([compiled.nodes.first, compiled.nodes.second], own);
    expect(compiled.nodes.first.writers).toHaveLength(2);
    expect((await compiled.invoke({})).path).toEqual(["jumper", "first", "second"]);
  });

  it("leaves nodes that look otherwise as they are", () => {
    const compiled = build().compile();
    const before = compiled.nodes.first.writers.length;
    removeControlBranches([compiled.nodes.first, compiled.nodes.jumper, undefined], new Set());
    // Of the first none is known as its own: without all of them it would lead nowhere.
    expect(compiled.nodes.first.writers).toHaveLength(before);
    expect(compiled.nodes.jumper.writers).toHaveLength(2);
  });

  it("finds the branches of LangGraph as it is installed: a conversation's nodes write and lead on, no more", async () => {
    const { graph } = await openStage();
    const { nodes } = graph as unknown as { nodes: Record<string, { writers: unknown[] }> };
    const counts = ["moderator", "ada", "ben", "cleo"].map((id) => nodes[id]?.writers.length);
    expect(counts).toEqual([2, 2, 2, 2]);
  });
});
