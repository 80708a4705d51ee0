/** Both ways to a server mean the same: Node's own HTTP client, and the provider's over a fetch. */
import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import type { ChatRequest } from "../../src/model/exchange.ts";
import { modelError } from "../../src/model/model-error.ts";
import { openNetwork } from "../../src/model/network.ts";

const request: ChatRequest = { model: "m", messages: [{ role: "user", content: "hello" }] };
const completion = { choices: [{ message: { content: "good day" } }] };
const ways = [
  ["its own client", undefined],
  ["a fetch", globalThis.fetch],
] as const;

let server: Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

async function open(answer: (response: ServerResponse) => void, fetch: typeof globalThis.fetch | undefined) {
  const heard: IncomingHttpHeaders[] = [];
  server = createServer((incoming, response) => {
    heard.push(incoming.headers);
    incoming.resume().on("end", () => answer(response));
  });
  await new Promise<void>((resolve) => server?.listen(0, "127.0.0.1", resolve));
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
  return { carry: openNetwork({ apiKey: "the-key", baseUrl, fetch, timeoutMs: 5_000 }), heard };
}

const json = (status: number, body: unknown) => (response: ServerResponse) =>
  void response
    .writeHead(status, { "content-type": "application/json", "x-request-id": "req_1", "retry-after": "7" })
    .end(typeof body === "string" ? body : JSON.stringify(body));

describe.each(ways)("over %s", (_, fetch) => {
  async function failure(answer: (response: ServerResponse) => void) {
    const { carry } = await open(answer, fetch);
    const thrown: unknown = await carry(request, {}).catch((error: unknown) => error);
    return modelError(thrown, { model: "m", now: 0 });
  }

  it("brings the completion and the headers", async () => {
    const { carry, heard } = await open(json(200, completion), fetch);
    const arrived = await carry(request, {});
    expect(arrived.completion.choices).toEqual(completion.choices);
    expect(arrived.headers.get("x-request-id")).toBe("req_1");
    expect(heard[0]).toMatchObject({ authorization: "Bearer the-key", "content-type": "application/json" });
  });

  it.each([
    [400, { error: { message: "no", code: "context_length_exceeded" } }, "context-too-long"],
    [401, { error: { message: "no" } }, "unauthorised"],
    [404, { error: { message: "no" } }, "model-not-found"],
    [429, { error: { message: "no" } }, "rate-limited"],
    [429, { error: { message: "no", code: "insufficient_quota" } }, "quota-exhausted"],
    [503, "not even JSON", "server-error"],
    [307, "", "bad-request"],
  ] as const)("tells what status %i with %j means: %s", async (status, body, code) => {
    const error = await failure(json(status, body));
    expect(error).toMatchObject({
      code,
      status,
      requestId: "req_1",
      retryAfterMs: 7000,
    });
  });

  it.each([
    ["a page of another server", "text/html", "<p>Welcome</p>"],
    ["JSON that is no completion", "application/json", '{"hello":1}'],
    ["JSON that stops in the middle", "application/json", '{"choices":[{"mess'],
  ])("takes %s for a fault of the server that may have been paid", async (_, type, body) => {
    const error = await failure(
      (response) => void response.writeHead(200, { "content-type": type }).end(body),
    );
    expect(error).toMatchObject({ code: "server-error", mayBeBilled: true });
  });

  it("knows a connection that broke from one that was never made", async () => {
    const broken = await failure((response) => void response.socket?.destroy());
    expect(broken).toMatchObject({ code: "unreachable", mayBeBilled: true });
    const { carry } = await open(json(200, completion), fetch);
    server?.closeAllConnections();
    await new Promise((resolve) => server?.close(resolve));
    const thrown: unknown = await carry(request, {}).catch((error: unknown) => error);
    expect(modelError(thrown, { model: "m", now: 0 })).toMatchObject({
      code: "unreachable",
      mayBeBilled: false,
    });
  });

  it("gives up with the reason of the signal", async () => {
    const stop = new AbortController();
    const { carry } = await open(() => stop.abort(new Error("enough")), fetch);
    await expect(carry(request, { signal: stop.signal })).rejects.toThrow("enough");
  });
});
