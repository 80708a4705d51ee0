/** A marked key, in every place it could travel by, is in nothing that a run writes, prints, keeps or tells. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MemorySaver } from "@langchain/langgraph";
import { afterAll, describe, expect, it } from "vitest";
import { openDramatis } from "../src/app.ts";
import { loadCatalog } from "../src/catalog/catalog.ts";
import { runCommand } from "../src/cli/program.ts";
import { createOfflineServer } from "../src/offline/server.ts";
import { transcriptMarkdown } from "../src/report/transcript.ts";
import { resolveScenario } from "../src/scenario/scenario.ts";
import { openVault } from "../src/vault/vault.ts";
import { sampleTerminal } from "./cli/sample-terminal.ts";
import { answer, PASSAGES, SCENARIO } from "./conversation/stage.ts";

const MARK = "MARKED0123456789abcdefghij";
const KEY = `sk-proj-${MARK}`;
const folder = mkdtempSync(join(tmpdir(), "dramatis-key-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Everything under a folder, names included. */
const filesIn = (path: string): string =>
  readdirSync(path, { recursive: true, withFileTypes: true })
    .map((entry) =>
      entry.isFile()
        ? `${entry.name}\n${readFileSync(join(entry.parentPath, entry.name), "utf8")}`
        : entry.name,
    )
    .join("\n");

const catalog = loadCatalog();

/** A server that says the key back wherever a server can say something. */
function echoingServer() {
  const server = createOfflineServer({ models: [...catalog.models.values()] });
  let asked = 0;
  const echo = { "x-request-id": KEY, "x-echo": KEY, "openai-organization": KEY };
  const body = { error: { message: `Bad key ${KEY}.`, type: KEY, param: KEY, code: KEY } };
  const completion = (content: string) =>
    Response.json(
      {
        id: KEY,
        object: "chat.completion",
        created: 1,
        model: KEY,
        system_fingerprint: KEY,
        choices: [
          { index: 0, finish_reason: "stop", message: { role: "assistant", content, refusal: null } },
        ],
        usage: { prompt_tokens: 2000, completion_tokens: 50, total_tokens: 2050 },
      },
      { headers: echo },
    );
  const fetch: typeof globalThis.fetch = async (input, init) => {
    asked += 1;
    const key = new Headers(init?.headers).get("authorization");
    expect(key).toBe(`Bearer ${KEY}`);
    switch (asked % 6) {
      case 1:
        return Response.json(body, { status: 500, headers: echo });
      case 2:
        return Response.json(body, { status: 429, headers: { ...echo, "retry-after-ms": "1" } });
      case 3:
        return completion(
          JSON.stringify(answer(`I heard that the key is ${KEY}.`, { reasoning: KEY, emotions: [KEY] })),
        );
      case 4:
        throw new TypeError("fetch failed", { cause: new Error(`connect to ${KEY} failed`) });
      case 5:
        return completion(JSON.stringify({ [KEY]: KEY }));
      default:
        return server.fetch(input, init);
    }
  };
  return fetch;
}

describe("a key that the server says back", () => {
  it("is in no state, checkpoint, event, record, report, log or recording of an embedder's run", async () => {
    const checkpointer = new MemorySaver();
    const lines: unknown[] = [];
    const events: unknown[] = [];
    const dramatis = await openDramatis({
      apiKey: KEY,
      baseUrl: "https://api.openai.com/v1",
      fetch: echoingServer(),
      record: join(folder, "recording.jsonl"),
      log: { logger: { warn: (fields) => lines.push(fields) }, withPrompts: true },
      env: {},
    });
    const scenario = resolveScenario(
      { ...SCENARIO, endings: [{ maxTurns: 4 }] },
      { personas: [], passages: PASSAGES },
    );
    const record = await dramatis.run(scenario, {
      checkpointer,
      conversationId: "key",
      context: { stream: false },
      onEvent: (event) => events.push(event),
    });
    expect(record.turns.length).toBeGreaterThan(0);
    expect(record.attempts.length).toBeGreaterThan(0);
    expect(lines.length).toBe(record.attempts.length);
    const state = await dramatis
      .conversation(scenario, { checkpointer })
      .getState({ configurable: { thread_id: "key" } });
    const decoder = new TextDecoder();
    const checkpoints = JSON.stringify([checkpointer.storage, checkpointer.writes], (_, value) =>
      value instanceof Uint8Array ? decoder.decode(value) : value,
    );
    expect(checkpoints).toContain("exports");
    const told = [record, lines, events, state].map((value) => JSON.stringify(value));
    for (const text of [...told, checkpoints, transcriptMarkdown(record), filesIn(folder)])
      expect(text).not.toContain(MARK);
  });
});

it("a key said beside a tool call is in no prompt that is explained", async () => {
  const call = { name: "search_knowledge_base", arguments: JSON.stringify({ query: KEY, category: null }) };
  let asked = 0;
  const fetch: typeof globalThis.fetch = async () => {
    asked += 1;
    const message =
      asked % 2 === 1
        ? { content: `It is ${KEY}.`, tool_calls: [{ id: "c", type: "function", function: call }] }
        : { content: JSON.stringify(answer("I looked.")) };
    const choice = { index: 0, finish_reason: "stop", message: { role: "assistant", ...message } };
    return Response.json({ id: "x", object: "chat.completion", created: 1, model: "m", choices: [choice] });
  };
  const prompts: unknown[] = [];
  const dramatis = await openDramatis({ apiKey: KEY, baseUrl: "https://server.test/v1", fetch, env: {} });
  const scenario = resolveScenario({ ...SCENARIO, endings: [{ maxTurns: 1 }] }, { passages: PASSAGES });
  const { turns } = await dramatis.run(scenario, { onPrompt: (prompt) => prompts.push(prompt) });
  expect(turns).toHaveLength(1);
  expect(JSON.stringify(prompts)).toContain("It is [key removed].");
  expect(JSON.stringify(prompts)).not.toContain(MARK);
});

describe("a key given to the program", () => {
  const keyFolder = mkdtempSync(join(tmpdir(), "dramatis-key-file-"));
  afterAll(() => rmSync(keyFolder, { recursive: true, force: true }));
  const keyFile = join(keyFolder, "key.txt");
  writeFileSync(keyFile, `${KEY}\n`, { mode: 0o600 });
  const vault = join(folder, "vault", "keys.json");

  it.each<[string, Record<string, string>, string[]]>([
    ["in the environment", { OPENAI_API_KEY: KEY }, []],
    ["in a file", {}, ["--key-file", keyFile]],
    ["in the vault", { DRAMATIS_VAULT: vault }, []],
    ["as the admin key too", { OPENAI_API_KEY: KEY, OPENAI_ADMIN_KEY: KEY, OPENAI_PROJECT_ID: "proj_x" }, []],
    ["in the base URL", { OPENAI_API_KEY: KEY, OPENAI_BASE_URL: `http://u:${KEY}@127.0.0.1:1/v1` }, []],
  ])("%s is in nothing it prints or writes", async (where, env, flags) => {
    if (env.DRAMATIS_VAULT) await openVault({ file: vault, env }).add({ name: "api", kind: "api", key: KEY });
    const server = createOfflineServer({
      models: [...catalog.models.values()],
      apiKey: "another-key-entirely",
    });
    const { url, close } = await server.listen(0);
    try {
      const out = join(folder, where.replaceAll(" ", "-"));
      const { terminal, written } = sampleTerminal({ env: { OPENAI_BASE_URL: `${url}/v1`, ...env } });
      const args = ["run", "product-roundtable", "--turns", "2", "--out", out, "--log-prompts", ...flags];
      const exitCode = await runCommand([...args, "--record", `${out}.jsonl`], terminal);
      expect(exitCode).toBeGreaterThan(0);
      const printed = written.stdout + written.stderr;
      expect(printed).not.toBe("");
      expect(printed).not.toContain(MARK);
      // The vault, which is here too, holds it encrypted.
      expect(filesIn(folder)).not.toContain(MARK);
    } finally {
      await close();
    }
  });
});
