import { createServer, type RequestListener, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it, vi } from "vitest";
import { ERROR_BODY, isStraight, MOST_BODY_BYTES, openPost } from "../../src/model/http-post.ts";

let server: Server | undefined;

async function listen(answer: RequestListener, host = "127.0.0.1"): Promise<string> {
  server = createServer(answer);
  await new Promise<void>((resolve) => server?.listen(0, host, resolve));
  const { port } = server.address() as AddressInfo;
  return `http://${host.includes(":") ? `[${host}]` : host}:${port}/v1/chat/completions`;
}

afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

const asked = { body: '{"say":"grüß"}', timeoutMs: 20_000 };

describe("a post", () => {
  it("sends body and headers, and gives back status, headers and text", async () => {
    const url = await listen(async (request, response) => {
      const parts = await request.toArray();
      const { authorization, "content-length": length } = request.headers;
      response.setHeader("x-request-id", "r1").writeHead(201);
      response.end(`${request.method} ${request.url} ${authorization} ${length} ${Buffer.concat(parts)}`);
    });
    const { status, headers, text } = await openPost(url, { authorization: "Bearer k" })(asked);
    expect(status).toBe(201);
    expect(headers.get("X-Request-Id")).toBe("r1");
    expect(text).toBe(`POST /v1/chat/completions Bearer k 16 ${asked.body}`);
  });

  it("reaches an address of the sixth version", async () => {
    const url = await listen((_, response) => void response.end("six"), "::1");
    expect((await openPost(url, {})(asked)).text).toBe("six");
  });

  it("keeps its connection for the next", async () => {
    const ports = new Set<number | undefined>();
    const url = await listen((request, response) => {
      ports.add(request.socket.remotePort);
      response.end("ok");
    });
    const post = openPost(url, {});
    for (let count = 0; count < 3; count++) await post(asked);
    expect(ports.size).toBe(1);
  });

  it("does not follow a redirect", async () => {
    const seen: (string | undefined)[] = [];
    const url = await listen(({ url }, response) => {
      seen.push(url);
      response.writeHead(307, { location: "/elsewhere" }).end();
    });
    expect((await openPost(url, {})(asked)).status).toBe(307);
    expect(seen).toEqual(["/v1/chat/completions"]);
  });

  it("reads no more of an error than its beginning", async () => {
    const url = await listen((_, response) => {
      response.writeHead(500);
      const go = () => {
        while (!response.destroyed && response.write("x".repeat(16_384)));
      };
      response.on("drain", go);
      go();
    });
    const { status, text } = await openPost(url, {})(asked);
    expect([status, text.length]).toEqual([500, ERROR_BODY.bytes]);
  });

  it("refuses an answer larger than any completion", async () => {
    const url = await listen((_, response) => {
      const part = Buffer.alloc(2 ** 20, 32);
      const go = () => {
        while (!response.destroyed && response.write(part));
      };
      response.on("drain", go);
      go();
    });
    await expect(openPost(url, {})(asked)).rejects.toThrow(`larger than ${MOST_BODY_BYTES} bytes`);
  });

  it("keeps a body of tiny parts in few pieces", async () => {
    const length = 50_000;
    const url = await listen((_, response) => {
      response.writeHead(200, { "transfer-encoding": "chunked" }).flushHeaders();
      response.socket?.end(`${"1\r\na\r\n".repeat(length)}0\r\n\r\n`);
    });
    const concat = vi.spyOn(Buffer, "concat");
    const { text } = await openPost(url, {})(asked);
    const pieces = Math.max(...concat.mock.calls.map(([list]) => list.length));
    concat.mockRestore();
    expect(text).toBe("a".repeat(length));
    expect(pieces).toBeLessThan(2000);
  });

  it("fails at once when the server switches to another protocol", async () => {
    const url = await listen((_, response) => {
      response.socket?.write("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n");
    });
    await expect(openPost(url, {})(asked)).rejects.toThrow("another protocol");
  });

  it.each<[string, (response: ServerResponse) => void]>([
    ["before the answer", () => undefined],
    ["within the answer", (response) => void response.writeHead(200).write('{"cho')],
  ])("ends in time when the server hangs %s", async (_, begin) => {
    const url = await listen((_, response) => begin(response));
    await expect(openPost(url, {})({ ...asked, timeoutMs: 100 })).rejects.toThrow("within 100 ms");
  });

  it("breaks off with the signal's reason, and closes the connection", async () => {
    const stop = new AbortController();
    let closed: Promise<unknown> | undefined;
    const url = await listen((request) => {
      closed = new Promise((resolve) => request.socket.once("close", resolve));
      stop.abort(new Error("enough"));
    });
    await expect(openPost(url, {})({ ...asked, signal: stop.signal })).rejects.toThrow("enough");
    await closed;
  });

  it("fails when the answer breaks off in the middle", async () => {
    const url = await listen((_, response) => {
      response.writeHead(200, { "content-length": 100 });
      response.write("half", () => response.socket?.destroy());
    });
    await expect(openPost(url, {})(asked)).rejects.toMatchObject({ code: "ECONNRESET" });
  });

  it("says that nobody listens", async () => {
    const url = await listen(() => undefined);
    await new Promise((resolve) => server?.close(resolve));
    await expect(openPost(url, {})(asked)).rejects.toMatchObject({ code: "ECONNREFUSED" });
  });
});

describe("isStraight", () => {
  it("holds where nothing stands between", () => expect(isStraight({ HOME: "/" }, {})).toBe(true));

  it.each(["HTTPS_PROXY", "http_proxy", "ALL_PROXY", "NODE_USE_ENV_PROXY"])("does not with %s", (name) => {
    expect(isStraight({ [name]: "http://proxy:3128" }, {})).toBe(false);
  });

  it("does not with Node told to use a proxy", () => {
    expect(isStraight({ NODE_OPTIONS: "--max-http-header-size=1 --use-env-proxy" }, {})).toBe(false);
  });

  it("does not with another dispatcher of undici", () => {
    class MockAgent {}
    const scope = { [Symbol.for("undici.globalDispatcher.1")]: new MockAgent() };
    expect(isStraight({}, scope)).toBe(false);
  });
});
