import OpenAI from "openai";
import { describe, expect, it } from "vitest";
import { InvalidFilesError } from "../../src/domain/errors.ts";
import { createRequestLog } from "../../src/offline/request-log.ts";
import { createOfflineServer } from "../../src/offline/server.ts";
import { answerTo, post, requestOf, startServer, URL_OF_CHAT, VERDICT, verdictFormat } from "./fixture.ts";

type Server = ReturnType<typeof startServer>;
const clientOf = (server: Server) => new OpenAI({ apiKey: "sk-test", fetch: server.fetch, maxRetries: 0 });

describe("an answer", () => {
  it("is marked as offline, with ids that count and the clock's time", async () => {
    const server = startServer({ clock: () => 1_800_000_000_999 });
    const first = await answerTo(server);
    const second = await answerTo(server);
    expect([first.id, second.id]).toEqual(["chatcmpl-offline-000001", "chatcmpl-offline-000002"]);
    expect(first).toMatchObject({ system_fingerprint: "offline", created: 1_800_000_000 });
  });

  it("carries a request id and how long it took", async () => {
    let now = 0;
    const server = startServer({
      clock: () => {
        now += 10;
        return now;
      },
    });
    const response = await post(server, requestOf());
    expect(response.headers.get("x-request-id")).toBe("req_offline_000001");
    expect(Number(response.headers.get("openai-processing-ms"))).toBeGreaterThan(0);
  });

  it("is the same for the same request but for its id", async () => {
    const server = startServer();
    const bytes = async () => (await post(server, requestOf({ response_format: verdictFormat }))).text();
    const [first, second] = [await bytes(), await bytes()];
    expect(second.replace("chatcmpl-offline-000002", "chatcmpl-offline-000001")).toBe(first);
  });

  it("is billed at the figures it reports", async () => {
    const server = startServer();
    server.script.next({ kind: "content", content: "hello hello hello" });
    const messages = [{ role: "user" as const, content: "hello" }];
    const { usage } = await answerTo(server, { messages });
    expect(usage).toMatchObject({ prompt_tokens: 8, completion_tokens: 3, total_tokens: 11 });
    // 8 x 100 + 3 x 400 nano-dollars.
    expect(server.bill).toMatchObject({ requests: 1, inputTokens: 8, outputTokens: 3, costNanoUsd: 2000 });
    expect(server.bill.byModel["gpt-4.1-nano"]?.costNanoUsd).toBe(2000);
  });
});

describe("a server of its own", () => {
  const models = [{ id: "mine", contextWindow: 8_000, maxOutput: 1_000 }];

  it("needs nothing but the models it serves, as a catalog would hold them", async () => {
    const server = createOfflineServer({ models, generator: undefined, clock: undefined, apiKey: undefined });
    const { choices } = await answerTo(server, { model: "mine" });
    expect(choices[0]?.message.content).toMatch(/\w+/);
    expect(server.bill).toMatchObject({ requests: 1, unpricedRequests: 1 });
    expect(server.faults).toEqual([]);
  });

  it("refuses models that are none, each at its place", () => {
    const wrong = [...models, { id: "", contextWindow: 0, maxOutput: 1, prize: {} }];
    const open = () => createOfflineServer({ models: wrong });
    expect(open).toThrow(InvalidFilesError);
    expect(open).toThrow(
      /<models> \[1\]\.contextWindow: expected a whole number of at least 1, got number 0/,
    );
    expect(open).toThrow(/<models> \[1\]\.id: expected text, got empty text/);
    expect(open).toThrow(/<models> \[1\]\.prize: expected a known key, got "prize" \(did you mean price\?\)/);
  });
});

describe("a dated snapshot", () => {
  const snapshot = "gpt-4.1-mini-2025-04-14";

  it("costs what its base model costs, under its own name", async () => {
    const server = startServer();
    const answer = await answerTo(server, { model: snapshot });
    await answerTo(server, { model: "gpt-4.1-mini" });
    expect(answer.model).toBe(snapshot);
    const { [snapshot]: own, "gpt-4.1-mini": base } = server.bill.byModel;
    expect(own?.costNanoUsd).toBeGreaterThan(0);
    expect(own).toEqual(base);
  });

  it("has its base model's limits", async () => {
    const server = startServer({ rateLimit: { requestsPerMinute: 1, tokensPerMinute: 1e9 } });
    const large = await post(server, requestOf({ model: snapshot, max_tokens: 40_000 }));
    expect(await large.json()).toMatchObject({
      error: { message: expect.stringContaining("at most 32768") },
    });
    await answerTo(server, { model: snapshot });
    expect((await post(server, requestOf({ model: "gpt-4.1-mini" }))).status).toBe(429);
  });

  it("is looked up like any model, but not of an unknown one", async () => {
    const { models } = clientOf(startServer());
    expect((await models.retrieve(snapshot)).id).toBe(snapshot);
    await expect(models.retrieve("gpt-99-2025-04-14")).rejects.toMatchObject({ status: 404 });
  });
});

describe("reset", () => {
  it("forgets prompts, requests and bill, so that the same run costs the same again", async () => {
    const server = startServer();
    const messages = [{ role: "user" as const, content: "hello ".repeat(2_000) }];
    const run = async () => {
      await answerTo(server, { messages });
      await answerTo(server, { messages });
      return server.bill;
    };
    const first = await run();
    expect(first.cachedInputTokens).toBeGreaterThan(1024);
    expect((await run()).costNanoUsd).toBeLessThan(2 * first.costNanoUsd);
    server.reset();
    expect(server.requests).toEqual([]);
    expect(server.bill).toMatchObject({ requests: 0, costNanoUsd: 0, byModel: {} });
    expect(server.charges.size).toBe(0);
    expect(server.traffic).toEqual({
      requests: 0,
      withCacheKey: 0,
      rejected: 0,
      countedTokens: 0,
      byModel: {},
      faulted: 0,
      faultsByKind: {},
    });
    expect(await run()).toEqual(first);
  });
});

describe("the official client", () => {
  it("parses a structured answer", async () => {
    const completion = await clientOf(startServer()).chat.completions.parse({
      model: "gpt-4.1-nano",
      messages: [{ role: "user", content: "x" }],
      response_format: verdictFormat,
    });
    expect(completion.choices[0]?.message.parsed).toEqual(VERDICT);
  });

  it("lists models and looks one up", async () => {
    const client = clientOf(startServer());
    const ids = (await client.models.list()).data.map(({ id }) => id);
    expect(ids).toContain("gpt-4.1-nano");
    expect((await client.models.retrieve("o4-mini")).id).toBe("o4-mini");
    await expect(client.models.retrieve("gpt-99")).rejects.toMatchObject({
      status: 404,
      code: "model_not_found",
    });
  });

  it("recognises each failure", async () => {
    const server = startServer();
    const client = clientOf(server);
    const body = { model: "gpt-4.1-nano", messages: [{ role: "user" as const, content: "x" }] };
    server.script.next({ kind: "quota" }, { kind: "status", status: 500 }, { kind: "drop" });
    await expect(client.chat.completions.create(body)).rejects.toBeInstanceOf(OpenAI.RateLimitError);
    await expect(client.chat.completions.create(body)).rejects.toBeInstanceOf(OpenAI.InternalServerError);
    await expect(client.chat.completions.create(body)).rejects.toBeInstanceOf(OpenAI.APIConnectionError);
    await expect(client.chat.completions.create({ ...body, temperature: 5 })).rejects.toMatchObject({
      status: 400,
      code: "decimal_above_max_value",
      requestID: "req_offline_000004",
    });
  });

  it("retries as it would against the provider", async () => {
    const server = startServer();
    server.script.next({ kind: "status", status: 429, headers: { "retry-after-ms": "1" } }, { kind: "drop" });
    const client = new OpenAI({ apiKey: "sk-test", fetch: server.fetch, maxRetries: 2 });
    await client.chat.completions.create({
      model: "gpt-4.1-nano",
      messages: [{ role: "user", content: "x" }],
    });
    expect(server.requests.map(({ status }) => status)).toEqual([429, undefined, 200]);
    // The dropped answer was paid for as well.
    expect(server.bill.requests).toBe(2);
  }, 10_000);
});

describe("keys", () => {
  const withKey = (server: Server, authorization: string | undefined) =>
    post(server, requestOf(), { headers: authorization === undefined ? {} : { authorization } });

  it("are not needed unless one is set", async () => {
    expect((await withKey(startServer(), undefined)).status).toBe(200);
  });

  it("other than the one set are refused, and never shown", async () => {
    const server = startServer({ apiKey: "sk-right" });
    expect((await withKey(server, "Bearer sk-right")).status).toBe(200);
    const refused = await withKey(server, "Bearer sk-marked-secret-0123456789");
    expect(refused.status).toBe(401);
    expect(await refused.json()).toEqual({
      error: {
        message: "Incorrect API key provided: sk-********************6789.",
        type: "invalid_request_error",
        param: null,
        code: "invalid_api_key",
      },
    });
    expect((await withKey(server, undefined)).status).toBe(401);
    expect(JSON.stringify(server.requests)).not.toContain("marked-secret");
  });
});

describe("requests", () => {
  it("are kept with body, headers and status, but without any key", async () => {
    const server = startServer();
    const secret = "marked-secret";
    const secrets = {
      authorization: `Bearer ${secret}`,
      "proxy-authorization": secret,
      "api-key": secret,
      "x-api-key": secret,
      cookie: secret,
      "x-somebodys-token": secret,
    };
    const plain = { "user-agent": "ferry/1", "x-stainless-lang": "js", "openai-project": "boats" };
    await post(server, requestOf(), { headers: { ...secrets, ...plain } });
    await post(server, "not json");
    await server.fetch("http://offline.test/v1/models");
    expect(server.requests).toMatchObject([
      {
        method: "POST",
        path: "/v1/chat/completions",
        body: requestOf(),
        status: 200,
        headers: plain,
      },
      { body: "not json", status: 400 },
      { method: "GET", path: "/v1/models", body: undefined, status: 200 },
    ]);
    expect(JSON.stringify(server.requests)).not.toContain(secret);
  });

  it("are not kept when that is turned off, but what they cost is", async () => {
    const server = startServer({ recordRequests: false });
    const response = await post(server, requestOf());
    expect(server.requests).toEqual([]);
    expect(server.bill.requests).toBe(1);
    const id = response.headers.get("x-request-id") ?? "";
    expect(server.charges.get(id)?.costNanoUsd).toBe(server.bill.costNanoUsd);
  });

  it("say what each of them cost, whether or not its answer arrived", async () => {
    const server = startServer();
    server.script.next({ kind: "drop" }, { kind: "status", status: 500 });
    await expect(post(server, requestOf())).rejects.toThrow(TypeError);
    await post(server, requestOf());
    await post(server, requestOf());
    await post(server, "not json");
    const [dropped, failed, answered, refused] = server.requests.map(({ chargedNanoUsd }) => chargedNanoUsd);
    // 15 x 100 + 7 x 400 nano-dollars, by the usage that the answer reports.
    expect([dropped, failed, answered, refused]).toEqual([4100, undefined, 4100, undefined]);
    expect(server.bill.costNanoUsd).toBe(8200);
  });

  it("show their cache keys, which change nothing about what is cached", async () => {
    const server = startServer();
    const messages = [{ role: "user" as const, content: "hello ".repeat(2_000) }];
    await answerTo(server, { messages, prompt_cache_key: "one" });
    const { usage } = await answerTo(server, { messages, prompt_cache_key: "another" });
    await answerTo(server);
    await post(server, requestOf({ prompt_cache_key: "k".repeat(65) }));
    expect(usage.prompt_tokens_details.cached_tokens).toBeGreaterThan(1024);
    const keys = server.requests.map(({ promptCacheKey }) => promptCacheKey);
    expect(keys).toEqual(["one", "another", undefined, undefined]);
    expect(server.traffic).toMatchObject({ requests: 4, withCacheKey: 2 });
  });

  it("are kept up to a number, the latest ones", async () => {
    const server = startServer({ recordRequests: 2 });
    for (let count = 0; count < 3; count++) await answerTo(server);
    expect(server.requests.map(({ id }) => id)).toEqual(["req_offline_000002", "req_offline_000003"]);
  });

  it("are kept up to 10,000 unless told otherwise", () => {
    const log = createRequestLog();
    const request = new Request("http://offline.test/v1/models");
    for (let count = 0; count < 10_001; count++) log.open(request);
    expect(log.requests).toHaveLength(10_000);
    expect(log.requests[0]?.id).toBe("req_offline_000002");
  });

  it.each([-1, Number.NaN])("cannot be kept %d times", (recordRequests) => {
    expect(() => startServer({ recordRequests })).toThrow(
      expect.objectContaining({
        code: "invalid-argument",
        message: expect.stringContaining("recordRequests"),
      }),
    );
  });

  it("to anything else get a 404 in the provider's shape", async () => {
    const response = await startServer().fetch("http://offline.test/v1/embeddings", {
      method: "POST",
      body: "{}",
    });
    expect(response.status).toBe(404);
    expect(await response.json()).toEqual({
      error: {
        message: "Invalid URL (POST /v1/embeddings)",
        type: "invalid_request_error",
        param: null,
        code: null,
      },
    });
  });

  it("that were given up before they began never arrive", async () => {
    const server = startServer();
    await expect(post(server, requestOf(), { signal: AbortSignal.abort() })).rejects.toMatchObject({
      name: "AbortError",
    });
    expect(server.requests).toEqual([]);
  });

  it("for an address that holds its own data never arrive", async () => {
    const server = startServer();
    expect(await (await server.fetch("data:,flow")).text()).toBe("flow");
    expect(server.requests).toEqual([]);
  });

  it("may be whole Request objects", async () => {
    const request = new Request(URL_OF_CHAT, { method: "POST", body: JSON.stringify(requestOf()) });
    expect((await startServer().fetch(request)).status).toBe(200);
  });
});
