/** The graph server as Studio uses it: a process of its own, driven by the official SDK client. */
import { type ChildProcess, spawn } from "node:child_process";
import { createServer } from "node:net";
import { join } from "node:path";
import { Client } from "@langchain/langgraph-sdk";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { loadScenario } from "../../src/scenario/scenario.ts";

const root = join(import.meta.dirname, "../..");
const START_TIMEOUT_MS = 60_000;
const GRAPHS = { roundtable: "product-roundtable", debate: "design-debate", interview: "user-interviews" };

let server: ChildProcess;
let client: Client;
let log = "";
let url = "";

const freePort = () =>
  new Promise<number>((resolve, reject) => {
    const probe = createServer().once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === "object" && address ? address.port : 0));
    });
  });

async function answers(url: string): Promise<boolean> {
  const response = await fetch(`${url}/ok`).catch(() => undefined);
  return response?.ok === true;
}

beforeAll(async () => {
  const port = await freePort();
  url = `http://127.0.0.1:${port}`;
  const { OPENAI_API_KEY: _, ...env } = process.env;
  // A process group of its own, so that the server's child ends with it.
  server = spawn(process.execPath, ["src/cli/main.ts", "studio", "--no-reload", "--port", String(port)], {
    cwd: root,
    env,
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  server.stdout?.on("data", (text) => (log += text));
  server.stderr?.on("data", (text) => (log += text));
  await vi.waitUntil(() => answers(url), { timeout: START_TIMEOUT_MS, interval: 100 });
  client = new Client({ apiUrl: url });
}, START_TIMEOUT_MS);

afterAll(() => {
  if (server.pid !== undefined && server.exitCode === null) process.kill(-server.pid, "SIGTERM");
});

const assistantOf = async (graphId: string) => {
  const [assistant] = await client.assistants.search({ graphId });
  if (assistant === undefined) throw new Error(`no assistant ${graphId}: ${log}`);
  return assistant;
};

describe("the graph server", () => {
  it("tells where Studio finds it", () => {
    expect(log).toMatch(/smith\.langchain\.com\/studio\?baseUrl=http:\/\/127\.0\.0\.1:\d+/);
  });

  it("answers pages of Studio and of no other site", async () => {
    const allowed = async (origin: string) => {
      const response = await fetch(`${url}/ok`, { headers: { origin } });
      return response.headers.get("access-control-allow-origin");
    };
    expect(await allowed("https://smith.langchain.com")).toBe("https://smith.langchain.com");
    expect(await allowed("https://evil.example")).toBeNull();
  });

  it("has an assistant for each graph", async () => {
    const assistants = await client.assistants.search();
    expect(assistants.map(({ graph_id }) => graph_id).sort()).toEqual(Object.keys(GRAPHS).sort());
  });

  it.each(Object.entries(GRAPHS))("draws %s with every persona as a node", async (graphId, scenarioId) => {
    const { nodes, edges } = await client.assistants.getGraph((await assistantOf(graphId)).assistant_id);
    const cast = loadScenario(join(root, "scenarios", `${scenarioId}.yaml`)).cast.map(({ id }) => id);
    expect(nodes.map(({ id }) => id).sort()).toEqual(["__start__", "__end__", "moderator", ...cast].sort());
    for (const id of cast) {
      expect(edges).toContainEqual(expect.objectContaining({ source: "moderator", target: id }));
      expect(edges).toContainEqual(expect.objectContaining({ source: id, target: "moderator" }));
    }
  });

  it("describes input, output, state and context", async () => {
    const schemas = await client.assistants.getSchemas((await assistantOf("roundtable")).assistant_id);
    const keys = (schema: unknown) => Object.keys((schema as { properties: object }).properties).sort();
    expect(keys(schemas.input_schema)).toEqual(["messages", "opening", "seed", "topic"]);
    expect(keys(schemas.output_schema)).toEqual(
      expect.arrayContaining(["turns", "failures", "totals", "ending", "status"]),
    );
    expect(keys(schemas.state_schema)).toEqual(
      expect.arrayContaining(["turns", "usage", "totals", "next", "complexity"]),
    );
    const context = [
      "budget",
      "complexity",
      "context",
      "maxTurns",
      "models",
      "screening",
      "stream",
      "tier",
      "tierFallback",
    ];
    expect(keys(schemas.context_schema)).toEqual(context);
  });

  it("streams a run in four modes and keeps turns, usage and cost in the state", async () => {
    const { assistant_id } = await assistantOf("roundtable");
    const { thread_id } = await client.threads.create();
    const seen = new Map<string, unknown[]>();
    const stream = client.runs.stream(thread_id, assistant_id, {
      input: { seed: 7 },
      context: { maxTurns: 3 },
      streamMode: ["values", "updates", "messages", "custom"],
    });
    for await (const { event, data } of stream) seen.set(event, [...(seen.get(event) ?? []), data]);
    expect(seen.get("error")).toBeUndefined();

    const updates = (seen.get("updates") ?? []).flatMap((update) => Object.keys(update as object));
    expect(updates.filter((node) => node !== "moderator")).toHaveLength(3);
    const custom = seen.get("custom") as { type: string; turn?: { message: string } }[];
    expect(custom.filter(({ type }) => type === "turn")).toHaveLength(3);
    expect(custom.filter(({ type }) => type === "choice")).toHaveLength(3);

    const { values } = await client.threads.getState<Record<string, never[]>>(thread_id);
    const { turns, usage, totals, messages } = values as unknown as {
      turns: { speaker: string; message: string }[];
      usage: { costNanoUsd: number }[];
      totals: { costNanoUsd: number; requests: number };
      messages: { name: string; content: string }[];
    };
    expect(turns).toHaveLength(3);
    expect(totals.requests).toBe(usage.length);
    expect(totals.costNanoUsd).toBe(usage.reduce((sum, { costNanoUsd }) => sum + costNanoUsd, 0));
    expect(totals.costNanoUsd).toBeGreaterThan(0);
    expect(messages.map(({ name }) => name)).toEqual(["host", ...turns.map(({ speaker }) => speaker)]);

    const streamed = [...seen].filter(([event]) => event.startsWith("messages")).flatMap(([, data]) => data);
    for (const { message } of turns) expect(JSON.stringify(streamed)).toContain(JSON.stringify(message));
    expect((seen.get("values") ?? []).length).toBeGreaterThanOrEqual(6);
  });

  it("streams the words of a message as they arrive, as plain text", async () => {
    const { assistant_id } = await assistantOf("debate");
    const { thread_id } = await client.threads.create();
    const stream = client.runs.stream(thread_id, assistant_id, {
      input: { seed: 7 },
      context: { maxTurns: 1, stream: true },
      streamMode: ["messages-tuple", "custom"],
    });
    const chunks: { id?: string; type: string; name?: string; content: unknown; usage_metadata?: unknown }[] =
      [];
    const tokens: { type: string; text: string }[] = [];
    for await (const { event, data } of stream) {
      if (event === "messages") chunks.push((data as unknown as [(typeof chunks)[number]])[0]);
      if (event === "custom") tokens.push(data as unknown as (typeof tokens)[number]);
    }
    const { values } = await client.threads.getState(thread_id);
    const [turn] = (values as unknown as { turns: { speaker: string; message: string }[] }).turns;
    const own = chunks.filter(({ id }) => id === "turn-1");
    expect(own.length).toBeGreaterThan(3);
    expect(own.map(({ content }) => content).join("")).toBe(turn?.message);
    expect(new Set(own.map(({ type, name }) => `${type} ${name}`))).toEqual(new Set([`ai ${turn?.speaker}`]));
    expect(own.at(-1)?.usage_metadata).toMatchObject({ output_tokens: expect.any(Number) });
    const told = tokens.filter(({ type }) => type === "token").map(({ text }) => text);
    expect(told.join("")).toBe(turn?.message);
  });

  it("goes on in the same thread when somebody joins in", async () => {
    const { assistant_id } = await assistantOf("interview");
    const { thread_id } = await client.threads.create();
    await client.runs.wait(thread_id, assistant_id, { input: {}, context: { maxTurns: 2 } });
    const remark = { role: "user", content: "What would you pay for it?" };
    await client.runs.wait(thread_id, assistant_id, {
      input: { messages: [remark] },
      context: { maxTurns: 4 },
    });
    const { values } = await client.threads.getState(thread_id);
    const { turns, messages } = values as unknown as { turns: unknown[]; messages: { content: string }[] };
    expect(turns).toHaveLength(4);
    expect(messages[3]?.content).toBe(remark.content);
  });

  it("keeps a secret out of the thread, and what removed it in the state", async () => {
    const { assistant_id } = await assistantOf("interview");
    const { thread_id } = await client.threads.create();
    const secret = `ghp_${"a1B2c3".repeat(6)}`;
    const input = { messages: [{ role: "user", content: `Use ${secret}.` }] };
    const run = client.runs.wait(thread_id, assistant_id, { input, context: { maxTurns: 1 } });
    await expect(run).rejects.toThrow(/message 1: expected text without secrets, found GitHub token/);
    expect(JSON.stringify(await client.threads.getState(thread_id))).not.toContain(secret);

    const context = { maxTurns: 1, screening: { secrets: "redact" } };
    await client.runs.wait(thread_id, assistant_id, { input, context });
    const { values } = await client.threads.getState(thread_id);
    expect(JSON.stringify(values)).not.toContain(secret);
    expect(values).toMatchObject({ notices: [{ kind: "GitHub token", action: "removed" }] });
  });

  it("rejects a context that breaks its schema", async () => {
    const { assistant_id } = await assistantOf("debate");
    const run = client.runs.wait(null, assistant_id, { input: {}, context: { maxTurns: -1 } });
    await expect(run).rejects.toThrow(/maxTurns|Too small/);
  });

  it("runs more turns than LangGraph's default limit of 25 steps allows", async () => {
    const { assistant_id } = await assistantOf("interview");
    const { thread_id } = await client.threads.create();
    await client.runs.wait(thread_id, assistant_id, { input: {}, context: { maxTurns: 16 } });
    const { values } = await client.threads.getState(thread_id);
    expect((values as unknown as { turns: unknown[] }).turns.length).toBeGreaterThan(12);
  });
});
