/** Asking the provider about a key, over the wire. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { checkKey } from "../../src/vault/key-check.ts";

let answer = (_request: IncomingMessage, _response: ServerResponse): void => undefined;
const asked: string[] = [];
const server = createServer((request, response) => {
  asked.push(`${request.method} ${request.url} ${request.headers.authorization}`);
  answer(request, response);
});
let baseUrl = "";

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
});
beforeEach(() => {
  asked.length = 0;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

/** An address that nobody listens at any more. */
async function closedUrl(): Promise<string> {
  const gone = createServer();
  await new Promise<void>((resolve) => gone.listen(0, "127.0.0.1", resolve));
  const { port } = gone.address() as AddressInfo;
  await new Promise((resolve) => gone.close(resolve));
  return `http://127.0.0.1:${port}/v1`;
}

const status = (code: number, headers = {}) => {
  answer = (_, response) => response.writeHead(code, headers).end("{}");
};
const check = (kind: "api" | "admin", options: { url?: string; signal?: AbortSignal } = {}) =>
  checkKey({
    kind,
    key: "sk-x",
    baseUrl: options.url ?? baseUrl,
    fetch,
    signal: options.signal ?? new AbortController().signal,
  });

describe("checkKey", () => {
  it("asks once, for the models or for one project", async () => {
    status(200);
    expect(await check("api", { url: `${baseUrl}/` })).toEqual({ outcome: "ok" });
    expect(await check("admin")).toEqual({ outcome: "ok" });
    expect(asked).toEqual([
      "GET /v1/models Bearer sk-x",
      "GET /v1/organization/projects?limit=1 Bearer sk-x",
    ]);
  });

  it.each([401, 403])("says that the key is refused at %d", async (code) => {
    status(code);
    expect(await check("api")).toEqual({ outcome: "refused", status: code });
  });

  it.each([404, 429, 500])("says nothing about the key at %d", async (code) => {
    status(code);
    expect(await check("api")).toEqual({ outcome: "unreachable", why: `it answered with status ${code}` });
  });

  it("does not follow a redirect with the key", async () => {
    status(302, { location: `${baseUrl}/elsewhere` });
    expect(await check("api")).toEqual({
      outcome: "unreachable",
      why: "it answered with a redirect, which is not followed",
    });
    expect(asked).toHaveLength(1);
  });

  it("says why there was no answer", async () => {
    expect(await check("api", { url: await closedUrl() })).toEqual({
      outcome: "unreachable",
      why: "the connection failed (ECONNREFUSED)",
    });
    const patience = new AbortController();
    answer = () => patience.abort();
    expect(await check("api", { signal: patience.signal })).toEqual({
      outcome: "unreachable",
      why: "no answer in time",
    });
    answer = (_, response) => response.destroy();
    expect(await check("api")).toEqual({
      outcome: "unreachable",
      why: "the connection failed (UND_ERR_SOCKET)",
    });
  });
});
