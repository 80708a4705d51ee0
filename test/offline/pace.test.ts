import { describe, expect, it } from "vitest";
import { createPace, type Latency } from "../../src/offline/pace.ts";
import { answerTo, post, requestOf, startServer } from "./fixture.ts";

const latencies = (latencyMs: Latency | undefined, requests = 5) => {
  const pace = createPace({ latencyMs });
  return Array.from({ length: requests }, () => pace.latencyMs(requestOf()));
};

describe("latency", () => {
  it("is none unless it is set, and always the same where it is a number", () => {
    expect(latencies(undefined, 2)).toEqual([0, 0]);
    expect(latencies(200, 2)).toEqual([200, 200]);
  });

  it("may vary, by seed and order", () => {
    const jitter = { ms: 200, jitterMs: 100, seed: 7 };
    const drawn = latencies(jitter, 200);
    expect(Math.min(...drawn)).toBeGreaterThanOrEqual(200);
    expect(Math.max(...drawn)).toBeLessThan(300);
    expect(new Set(drawn).size).toBe(200);
    expect(latencies(jitter, 200)).toEqual(drawn);
    expect(latencies({ ...jitter, seed: 8 }, 200)).not.toEqual(drawn);
  });

  it("may be a function of a request and its number", () => {
    expect(latencies((request, number) => request.messages.length * 100 * number, 3)).toEqual([
      100, 200, 300,
    ]);
  });

  it("is what an answer waits for", async () => {
    const waits: number[] = [];
    const server = startServer({ latencyMs: 200, delay: async (ms) => void waits.push(ms) });
    server.script.next({ kind: "content", content: "late", latencyMs: 50 });
    await answerTo(server);
    await answerTo(server);
    expect(waits).toEqual([250, 200]);
  });

  it("begins again after a reset", async () => {
    const waits: number[] = [];
    const server = startServer({
      latencyMs: { ms: 0, jitterMs: 100 },
      delay: async (ms) => void waits.push(ms),
    });
    await answerTo(server);
    server.reset();
    await answerTo(server);
    expect(waits[1]).toBe(waits[0]);
  });

  it.each([
    [{ latencyMs: -1 }, "latencyMs: expected milliseconds of 0 or more, got -1"],
    [{ latencyMs: { ms: 1, jitterMs: Number.NaN } }, "latencyMs.jitterMs"],
    [{ tokenMs: -1 }, "tokenMs"],
    [{ firstTokenMs: -1 }, "firstTokenMs"],
  ])("is refused when it is none", (options, message) => {
    expect(() => startServer(options)).toThrow(
      expect.objectContaining({ code: "invalid-argument", message: expect.stringContaining(message) }),
    );
  });
});

describe("a stream", () => {
  /** A server whose pauses last until they are let go. */
  function slowServer() {
    const pauses: { ms: number; end: () => void }[] = [];
    const server = startServer({
      firstTokenMs: 300,
      tokenMs: 20,
      delay: (ms, signal) =>
        new Promise((resolve, reject) => {
          pauses.push({ ms, end: resolve });
          signal.addEventListener("abort", () => reject(signal.reason), { once: true });
        }),
    });
    return { server, pauses };
  }

  it("arrives chunk by chunk, as fast as tokens are made", async () => {
    const { server, pauses } = slowServer();
    const response = await post(server, requestOf({ stream: true }));
    const reader = response.body?.getReader();
    const arrived: number[] = [];
    for (;;) {
      const reading = reader?.read();
      while (pauses.length <= arrived.length) await new Promise(setImmediate);
      pauses.at(-1)?.end();
      const part = await reading;
      arrived.push(part?.value?.length ?? 0);
      if (new TextDecoder().decode(part?.value).includes("[DONE]")) break;
    }
    // The role, two pieces of text, the finish reason, the end; 7 tokens in four chunks.
    expect(pauses.map(({ ms }) => ms)).toEqual([300, 35, 35, 35, 35]);
    expect(arrived).toHaveLength(5);
  });

  it("ends its pause when its reader leaves, or gives up", async () => {
    const { server, pauses } = slowServer();
    const left = await post(server, requestOf({ stream: true }));
    const reader = left.body?.getReader();
    const reading = reader?.read();
    await reader?.cancel();
    expect(await reading).toMatchObject({ done: true });

    const controller = new AbortController();
    const givenUp = await post(server, requestOf({ stream: true }), { signal: controller.signal });
    const text = givenUp.text();
    controller.abort(new Error("too slow"));
    await expect(text).rejects.toThrow("too slow");
    expect(pauses).toHaveLength(2);
    expect(server.bill.requests).toBe(2);
  });
});
