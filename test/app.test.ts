/** The wiring: which server is talked to, with which key, and what is refused before anything is sent. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { newConversationId, openDramatis } from "../src/app.ts";
import { loadCatalog } from "../src/catalog/catalog.ts";
import { DEFAULT_RATE_LIMIT } from "../src/offline/rate-limit.ts";
import { createOfflineServer } from "../src/offline/server.ts";
import { findScenario } from "../src/scenario/find-scenario.ts";
import { openVault } from "../src/vault/vault.ts";
import { temporaryFolders } from "./vault/temporary-vault.ts";

const newFolder = temporaryFolders();
const KEY = "sk-proj-MARKED0123456789";

describe("where requests go", () => {
  it.each([
    [{ env: {} }, "offline", undefined],
    [{ env: { OPENAI_API_KEY: "   " } }, "offline", undefined],
    [{ env: { OPENAI_BASE_URL: "http://localhost:1/v1" } }, "offline", undefined],
    [{ env: { OPENAI_API_KEY: KEY } }, "network", "api.openai.com"],
    [{ env: { OPENAI_API_KEY: KEY, OPENAI_BASE_URL: "http://localhost:1/v1" } }, "network", "localhost:1"],
    [{ env: { OPENAI_API_KEY: KEY }, offline: true }, "offline", undefined],
    [{ env: {}, baseUrl: "http://localhost:11434/v1" }, "network", "localhost:11434"],
  ])("%j: %s", async (options, transport, host) => {
    const dramatis = await openDramatis(options);
    expect({ transport: dramatis.transport, host: dramatis.host }).toEqual({ transport, host });
    expect(dramatis.offline === undefined).toBe(transport === "network");
  });

  it.each([
    [{ env: {}, offline: false }, /There is no key/],
    [{ env: { OPENAI_API_KEY: KEY, OPENAI_BASE_URL: "nonsense" } }, /OPENAI_BASE_URL/],
    [{ env: { OPENAI_API_KEY: KEY, OPENAI_BASE_URL: "localhost:9100/v1" } }, /http/],
    [
      { env: { OPENAI_API_KEY: KEY, OPENAI_BASE_URL: "http://user:MARKEDpw@127.0.0.1/v1" } },
      /user name or password/,
    ],
    [{ env: { OPENAI_API_KEY: `${KEY}\nX: y` } }, /OPENAI_API_KEY/],
    [{ env: { OPENAI_API_KEY: "ключ" } }, /OPENAI_API_KEY/],
  ])("%j is refused, without its secrets", async (options, message) => {
    const opened = openDramatis(options);
    await expect(opened).rejects.toThrow(message);
    await expect(opened).rejects.not.toThrow(/MARKED/);
    await expect(opened).rejects.toMatchObject({ code: "invalid-argument" });
  });
});

describe("the key", () => {
  const folder = newFolder();
  const vault = { DRAMATIS_VAULT: join(folder, "keys.json") };
  const broken = { DRAMATIS_VAULT: join(folder, "broken.json") };
  const keyFile = join(folder, "key.txt");
  beforeAll(async () => {
    await openVault({ env: vault }).add({ kind: "api", key: KEY });
    writeFileSync(keyFile, KEY, { mode: 0o600 });
    writeFileSync(broken.DRAMATIS_VAULT, "", { mode: 0o600 });
  });

  it.each([
    [{ env: vault }, "network", "vault"],
    [{ env: { ...vault, OPENAI_API_KEY: KEY } }, "network", "environment"],
    [{ env: { ...broken, OPENAI_API_KEY: KEY }, keyFile }, "network", "key-file"],
    [{ env: broken, apiKey: KEY }, "network", undefined],
    [{ env: broken, offline: true }, "offline", undefined],
  ])("of %j: %s, from %s", async (options, transport, keySource) => {
    const dramatis = await openDramatis(options);
    expect({ transport: dramatis.transport, keySource: dramatis.keySource }).toEqual({
      transport,
      keySource,
    });
    expect(JSON.stringify(dramatis)).not.toContain("MARKED");
  });

  it("is not done without because the vault is damaged", async () => {
    await expect(openDramatis({ env: broken })).rejects.toMatchObject({ code: "vault-damaged" });
  });
});

it("gives every conversation an id of its own", () => {
  const ids = Array.from({ length: 5000 }, () => newConversationId("talk", 0));
  expect(new Set(ids).size).toBe(5000);
  expect(ids[0]).toMatch(/^talk-19700101-000000-[0-9a-f]{10}$/);
});

describe("the admin key", () => {
  const ADMIN = "sk-admin-MARKED0123456789";
  const env = { OPENAI_API_KEY: KEY, OPENAI_ADMIN_KEY: ADMIN, OPENAI_PROJECT_ID: "proj_x" };

  async function askedWith(more: Record<string, string>) {
    const hosts: string[] = [];
    const fetch: typeof globalThis.fetch = async (input, init) => {
      expect(new Headers(init?.headers).get("authorization")).toBe(`Bearer ${ADMIN}`);
      hosts.push(new URL(String(input)).host);
      return Response.json({ data: [{ model: "gpt-4.1", max_requests_per_1_minute: 5 }], has_more: false });
    };
    const { limitsProblem } = await openDramatis({ env: { ...env, ...more }, fetch });
    return { hosts, limitsProblem };
  }

  it("reads the project's limits at OpenAI", async () => {
    expect(await askedWith({})).toEqual({ hosts: ["api.openai.com"], limitsProblem: undefined });
  });

  it("is not sent to another server that answers the prompts, and that is said", async () => {
    const { hosts, limitsProblem } = await askedWith({ OPENAI_BASE_URL: "https://proxy.test/v1" });
    expect(hosts).toEqual([]);
    expect(limitsProblem).toMatch(/not sent to proxy\.test.*OPENAI_ADMIN_BASE_URL/);
  });

  it("reads limits of a day as well, which the pace of the answers does not know", async () => {
    const server = createOfflineServer({
      models: [...loadCatalog().models.values()],
      adminKey: ADMIN,
      projectId: "proj_x",
      rateLimit: { ...DEFAULT_RATE_LIMIT, requestsPerDay: 9, batchTokensPerDay: 9 },
    });
    const dramatis = await openDramatis({ env, fetch: server.fetch });
    expect(dramatis.limitsProblem).toBeUndefined();
    const { status } = await dramatis.run(findScenario("design-debate"), { context: { maxTurns: 1 } });
    expect(status).toBe("completed");
    expect(server.bill.requests).toBeGreaterThan(0);
  });

  it("is sent to the server that is named for it", async () => {
    const named = { OPENAI_BASE_URL: "https://proxy.test/v1", OPENAI_ADMIN_BASE_URL: "https://own.test/v1" };
    expect(await askedWith(named)).toEqual({ hosts: ["own.test"], limitsProblem: undefined });
  });
});
