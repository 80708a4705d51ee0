/** The same server through a real socket. */
import { Readable } from "node:stream";
import OpenAI, { toStreamingFile } from "openai";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Listening } from "../../src/offline/listen.ts";
import type { OfflineServer } from "../../src/offline/server.ts";
import { requestOf, startServer } from "./fixture.ts";

const ORIGINAL_REQUEST = Request;
const ORIGINAL_RESPONSE = Response;

let server: OfflineServer;
let listening: Listening;
beforeEach(async () => {
  server = startServer();
  listening = await server.listen();
});
afterEach(() => listening.close());

const send = (more: Parameters<typeof requestOf>[0] = {}, init: RequestInit = {}) =>
  fetch(`${listening.url}/v1/chat/completions`, {
    method: "POST",
    body: JSON.stringify(requestOf(more)),
    ...init,
  });

/** Resolves once the server has seen a request; a real socket gives no other sign. */
async function arrival(): Promise<void> {
  while (server.requests[0]?.body === undefined) await new Promise(setImmediate);
}

describe("on a port", () => {
  it("answers as in process", async () => {
    const overSocket = await (await send()).text();
    const other = startServer();
    const inProcess = await other.fetch("http://x/v1/chat/completions", {
      method: "POST",
      body: JSON.stringify(requestOf()),
    });
    expect(overSocket).toBe(await inProcess.text());
    expect(listening.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  });

  it("streams to the official client", async () => {
    const client = new OpenAI({ apiKey: "sk-test", baseURL: `${listening.url}/v1`, maxRetries: 0 });
    const stream = client.chat.completions.stream({
      model: "gpt-4.1-nano",
      messages: [{ role: "user", content: "x" }],
    });
    const completion = await stream.finalChatCompletion();
    expect(completion.choices[0]?.message.content).toBe("The tide turns twice a day.");
  });

  it("drops connections", async () => {
    server.script.next({ kind: "drop" });
    await expect(send()).rejects.toThrow(TypeError);
    expect(server.bill.requests).toBe(1);
    expect((await send()).status).toBe(200);
  });

  it("cuts streams after what was sent", async () => {
    server.script.next({ kind: "cut-stream", afterChunks: 2 });
    const response = await send({ stream: true });
    expect(response.status).toBe(200);
    let text = "";
    const reading = (async () => {
      for await (const part of response.body ?? []) text += Buffer.from(part).toString();
    })();
    await expect(reading).rejects.toThrow(TypeError);
    expect(text.trim().split("\n\n")).toHaveLength(2);
  });

  it("hangs until the client gives up", async () => {
    server.script.next({ kind: "hang" });
    const controller = new AbortController();
    const answer = send({}, { signal: controller.signal });
    await arrival();
    controller.abort();
    await expect(answer).rejects.toMatchObject({ name: "AbortError" });
    expect((await send()).status).toBe(200);
    expect(server.bill.requests).toBe(1);
  });

  it("prints nothing when a client leaves in the middle of a body", async () => {
    const printed = [vi.spyOn(console, "error"), vi.spyOn(console, "info")];
    let pauses = 0;
    let hasLeft = false;
    const slow = startServer({
      tokenMs: 1,
      delay: (_, signal) => {
        pauses += 1;
        return new Promise((_resolve, reject) => {
          signal.addEventListener("abort", () => {
            hasLeft = true;
            reject(signal.reason);
          });
        });
      },
    });
    const onPort = await slow.listen();
    const controller = new AbortController();
    const url = `${onPort.url}/v1/chat/completions`;
    const body = JSON.stringify(requestOf({ stream: true }));
    const response = await fetch(url, { method: "POST", body, signal: controller.signal });
    const reading = expect(response.text()).rejects.toMatchObject({ name: "AbortError" });
    while (pauses === 0) await new Promise(setImmediate);
    controller.abort();
    await reading;
    while (!hasLeft) await new Promise(setImmediate);
    await onPort.close();
    for (const spy of printed) {
      expect(spy).not.toHaveBeenCalled();
      spy.mockRestore();
    }
  });

  it("breaks off what hangs when it closes", async () => {
    server.script.next({ kind: "hang" });
    const answer = send();
    const broken = expect(answer).rejects.toThrow(TypeError);
    await arrival();
    await listening.close();
    await broken;
  });

  it("leaves the process's own Request and Response alone", () => {
    expect(Request).toBe(ORIGINAL_REQUEST);
    expect(Response).toBe(ORIGINAL_RESPONSE);
  });

  it("says what to do when the port is taken", async () => {
    const port = Number(new URL(listening.url).port);
    await expect(server.listen(port)).rejects.toMatchObject({
      code: "port-in-use",
      message: expect.stringContaining(`port ${port}: another program has it. Choose another port`),
    });
  });

  it("takes uploads, whole or as they come, and gives back what batches put out", async () => {
    const client = new OpenAI({ apiKey: "sk-test", baseURL: `${listening.url}/v1`, maxRetries: 0 });
    const lines = ["ebb", "flow"].map((id) =>
      JSON.stringify({ custom_id: id, method: "POST", url: "/v1/chat/completions", body: requestOf() }),
    );
    const whole = new File([lines.join("\n")], "whole.jsonl");
    const pieces = toStreamingFile(Readable.from([`${lines[0]}\n`, lines[1]]), "pieces.jsonl");
    for (const file of [whole, pieces]) {
      const { id, bytes } = await client.files.create({ purpose: "batch", file });
      expect(bytes).toBe(whole.size);
      const created = await client.batches.create({
        input_file_id: id,
        endpoint: "/v1/chat/completions",
        completion_window: "24h",
      });
      const batch = await client.batches.retrieve(created.id);
      const output = await (await client.files.content(batch.output_file_id ?? "")).text();
      const ids = output
        .trimEnd()
        .split("\n")
        .map((line) => (JSON.parse(line) as { custom_id: string }).custom_id);
      expect(ids.sort()).toEqual(["ebb", "flow"]);
    }
    expect(server.batches.repeatedCustomIds.toSorted()).toEqual(["ebb", "flow"]);
  });
});
