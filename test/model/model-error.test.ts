/** Errors as OpenAI's own client makes them of replies written out here. */
import { OpenAIClient } from "@langchain/openai";
import { describe, expect, it } from "vitest";
import { withoutKeys } from "../../src/domain/secrets.ts";
import { modelError } from "../../src/model/model-error.ts";

const JSON_TYPE = { "content-type": "application/json" };
const EVENTS = { "content-type": "text/event-stream" };

interface Exchange {
  stream?: boolean;
  timeoutMs?: number;
  signal?: AbortSignal;
}

/** What the client throws when this comes back. */
async function thrownFor(
  respond: typeof fetch,
  { stream = false, timeoutMs, signal }: Exchange = {},
): Promise<unknown> {
  const client = new OpenAIClient({ apiKey: "test", maxRetries: 0, fetch: respond, logLevel: "off" });
  const request = { model: "gpt-4.1", messages: [{ role: "user" as const, content: "Hello!" }] };
  const options = {
    ...(timeoutMs === undefined ? {} : { timeout: timeoutMs }),
    ...(signal === undefined ? {} : { signal }),
  };
  try {
    if (!stream) await client.chat.completions.create(request, options);
    else for await (const _ of await client.chat.completions.create({ ...request, stream: true }, options));
  } catch (error) {
    return error;
  }
  throw new Error("The client took the reply for a good one.");
}

const ATTEMPTED = { model: "gpt-4.1", now: 0 };

const failureFor = async (respond: typeof fetch, exchange?: Exchange) =>
  modelError(await thrownFor(respond, exchange), ATTEMPTED);

const rejected =
  (status: number, error: object = { message: "No." }, headers = {}): typeof fetch =>
  async () =>
    Response.json({ error }, { status, headers });

/** A body that breaks off after this text, as fetch reports it. */
function cutAfter(text: string): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start: (controller) => controller.enqueue(new TextEncoder().encode(text)),
    pull: (controller) =>
      controller.error(new TypeError("terminated", { cause: new Error("other side closed") })),
  });
}

const CHUNK = `data: ${JSON.stringify({ id: "c", choices: [{ index: 0, delta: { content: "H" } }] })}\n\n`;

describe("a rejected request", () => {
  it.each([
    [400, "bad-request"],
    [401, "unauthorised"],
    [403, "unauthorised"],
    [404, "model-not-found"],
    [408, "timed-out"],
    [409, "server-error"],
    [413, "bad-request"],
    [422, "bad-request"],
    [429, "rate-limited"],
    [500, "server-error"],
    [503, "server-error"],
    [529, "server-error"],
  ])("with status %i is %s", async (status, problem) => {
    expect(await failureFor(rejected(status))).toMatchObject({ code: problem });
  });

  it.each([
    [429, "insufficient_quota", "quota-exhausted"],
    [429, "rate_limit_exceeded", "rate-limited"],
    [400, "context_length_exceeded", "context-too-long"],
  ])("with status %i and code %s is %s", async (status, code, problem) => {
    const error = { message: "No.", type: "some", param: null, code };
    expect(await failureFor(rejected(status, error))).toMatchObject({ code: problem });
  });

  it("is not judged by the words of its message", async () => {
    const error = { message: "insufficient_quota: context_length_exceeded, model not found", code: null };
    expect(await failureFor(rejected(400, error))).toMatchObject({ code: "bad-request" });
  });

  it("is told with the model, what the provider said, its request id, and what to do", async () => {
    const failure = await failureFor(
      rejected(404, { message: "No such model." }, { "x-request-id": "req_42" }),
    );
    expect(failure?.message).toMatch(
      /^gpt-4\.1: 404 No such model\. Request req_42\. Check the model's name/,
    );
  });

  it.each([
    ["environment", /Check OPENAI_API_KEY /],
    ["key-file", /Check the key in the key file /],
    ["vault", /Check the key of the vault \(`dramatis keys test` does\) /],
    [undefined, /Check the API key /],
  ] as const)("sends its reader to where the key came from: %s", async (keySource, advice) => {
    const thrown = await thrownFor(rejected(401));
    expect(modelError(thrown, { ...ATTEMPTED, keySource })?.message).toMatch(advice);
  });

  it("is told in a few words although the server answers with a page", async () => {
    const page = `<html>${"gateway ".repeat(5_000)}</html>`;
    const failure = await failureFor(async () => new Response(page, { status: 502 }));
    expect(failure?.code).toBe("server-error");
    expect(failure?.message).toContain("502 <html>gateway");
    expect(failure?.message.length).toBeLessThan(500);
  });

  it.each([
    "Incorrect API key provided: sk-proj-MARKED_key-0123456789. You can find your API key in your settings.",
    "Incorrect API key provided: MARKED-of-another-server",
    "Bad header Authorization: Bearer MARKED.0123",
    "Invalid api_key: MARKED0123",
    "The key sk-MARKED**********0123 was revoked",
  ])("never carries a key further: %s", async (message) => {
    const failure = await failureFor(rejected(401, { message }));
    expect(failure?.message).not.toContain("MARKED");
    expect(failure?.message).toContain("[key removed]");
  });
});

describe("a request that never got a whole reply", () => {
  it("is unreachable when no connection came about, and says why", async () => {
    const failure = await failureFor(async () => {
      throw new TypeError("fetch failed", { cause: new Error("getaddrinfo ENOTFOUND api.invalid") });
    });
    expect(failure).toMatchObject({
      code: "unreachable",
      message: expect.stringContaining("fetch failed"),
    });
  });

  it.each<[string, Exchange, string]>([
    ["body", {}, '{"id":"c","choi'],
    ["stream", { stream: true }, CHUNK],
  ])("is unreachable when the %s broke off", async (_, exchange, text) => {
    const headers = exchange.stream ? EVENTS : JSON_TYPE;
    const failure = await failureFor(async () => new Response(cutAfter(text), { headers }), exchange);
    expect(failure).toMatchObject({
      code: "unreachable",
      message: expect.stringContaining("other side closed"),
    });
  });

  it.each([
    Object.assign(new Error("write EPROTO 40:error:0A00010B:SSL routines:wrong version number:tls.c:77:"), {
      code: "EPROTO",
    }),
    Object.assign(new Error("self-signed certificate"), { code: "DEPTH_ZERO_SELF_SIGNED_CERT" }),
    Object.assign(new Error("Hostname does not match"), { code: "ERR_TLS_CERT_ALTNAME_INVALID" }),
  ])("was not sent, and is not sent again, where no secure connection came about: %s", async (cause) => {
    const failure = await failureFor(async () => {
      throw new TypeError("fetch failed", { cause });
    });
    expect(failure).toMatchObject({ code: "unreachable", isRetryable: false, mayBeBilled: false });
    expect(failure?.message).toMatch(/no secure connection.*http:\/\/ instead of https:\/\//);
    expect(failure?.message).not.toContain("SSL routines");
  });

  it("is timed out when nothing came in time", async () => {
    const hang: typeof fetch = (_, init) =>
      new Promise((_, reject) => {
        init?.signal?.addEventListener("abort", () => reject(init.signal?.reason));
      });
    expect(await failureFor(hang, { timeoutMs: 1 })).toMatchObject({ code: "timed-out" });
  });
});

describe("a reply that is not what the protocol says", () => {
  it("is the server's error when its JSON stops in the middle", async () => {
    const half = async () => new Response('{"id":"c","choi', { headers: JSON_TYPE });
    expect(await failureFor(half)).toMatchObject({ code: "server-error" });
  });

  it("is the server's error when a stream holds no JSON", async () => {
    const broken = async () => new Response(`${CHUNK}data: {"id\n\n`, { headers: EVENTS });
    expect(await failureFor(broken, { stream: true })).toMatchObject({ code: "server-error" });
  });

  it("is the server's error when a stream that began well reports one", async () => {
    const event = `data: ${JSON.stringify({ error: { message: "The server had an error.", code: null } })}\n\n`;
    const failing = async () => new Response(CHUNK + event, { headers: EVENTS });
    expect(await failureFor(failing, { stream: true })).toMatchObject({
      code: "server-error",
      message: "gpt-4.1: The server had an error.",
    });
  });
});

describe("what is not the provider's doing", () => {
  it("is an abort", async () => {
    const error = await thrownFor(rejected(500), { signal: AbortSignal.abort() });
    expect(error).toBeInstanceOf(OpenAIClient.APIUserAbortError);
    expect(modelError(error, ATTEMPTED)).toBeUndefined();
  });

  it.each([
    new TypeError("x is not a function"),
    new RangeError("x"),
    new Error("x"),
    "text",
    null,
    undefined,
  ])("is a mistake in code: %s", (error) => {
    expect(modelError(error, ATTEMPTED)).toBeUndefined();
  });
});

describe("withoutKeys", () => {
  it.each([
    "The task-force12345 asked for 3 risk-adjusted figures.",
    "Rate limit reached for gpt-4.1 in organization org-abc on tokens per min (TPM): Limit 30000.",
    "Incorrect API key provided.",
  ])("leaves other text as it is: %s", (text) => {
    expect(withoutKeys(text)).toBe(text);
  });
});
