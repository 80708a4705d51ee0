import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  createFaultSource,
  FAULT_KINDS,
  type FaultKind,
  type FaultOptions,
} from "../../src/offline/faults.ts";
import type { OfflineServer } from "../../src/offline/server.ts";
import { answerTo, post, requestOf, startServer } from "./fixture.ts";

/** What the first requests meet; undefined where they fare well. */
const metBy = (options: FaultOptions, requests = 400, more: Parameters<typeof requestOf>[0] = {}) => {
  const source = createFaultSource(options);
  return Array.from({ length: requests }, () => source.next(requestOf(more)));
};

describe("which requests fail", () => {
  it("is the same for the same seed and order, and begins again when cleared", () => {
    fc.assert(
      fc.property(fc.nat(), fc.double({ min: 0, max: 1, noNaN: true }), (seed, share) => {
        expect(metBy({ seed, share }, 50)).toEqual(metBy({ seed, share }, 50));
        const source = createFaultSource({ seed, share });
        const run = () => Array.from({ length: 20 }, () => source.next(requestOf()));
        const first = run();
        source.clear();
        expect(run()).toEqual(first);
      }),
    );
    expect(metBy({ seed: 1, share: 0.5 })).not.toEqual(metBy({ seed: 2, share: 0.5 }));
  });

  it("is about the share that was asked for", () => {
    const failed = metBy({ seed: 7, share: 0.3 }, 10_000).filter((fault) => fault !== undefined);
    // Five standard deviations around 3,000.
    expect(failed.length).toBeGreaterThan(2770);
    expect(failed.length).toBeLessThan(3230);
    expect(metBy({ seed: 7, share: 0 }).every((fault) => fault === undefined)).toBe(true);
    expect(metBy({ seed: 7, share: 1 }).every((fault) => fault !== undefined)).toBe(true);
  });

  it("comes in every kind, cut streams only where something streams, and no room only at flex", () => {
    const kinds = (more: Parameters<typeof requestOf>[0]) =>
      new Set(metBy({ seed: 7, share: 1 }, 1000, more).map((fault) => fault?.kind));
    const without = (name: FaultKind) => new Set(FAULT_KINDS.filter((kind) => kind !== name));
    const flex = { service_tier: "flex" };
    expect(kinds({ ...flex, stream: true })).toEqual(new Set(FAULT_KINDS));
    expect(kinds(flex)).toEqual(without("cut-stream"));
    expect(kinds({ stream: true })).toEqual(without("429-flex"));
    expect(metBy({ seed: 7, share: 1, kinds: ["cut-stream", "429-flex"] }, 1)).toEqual([undefined]);
  });

  it.each([
    [{ seed: 1, share: 1.5 }, "faults.share: expected a number from 0 to 1, got 1.5"],
    [{ seed: 1, share: Number.NaN }, "faults.share"],
    [{ seed: 1, share: 1, kinds: [] }, "faults.kinds: expected at least one kind"],
    [{ seed: 1, share: 1, kinds: ["earthquake" as FaultKind] }, 'got "earthquake"'],
  ])("is refused when it makes no sense", (faults, message) => {
    expect(() => startServer({ faults })).toThrow(
      expect.objectContaining({ code: "invalid-argument", message: expect.stringContaining(message) }),
    );
  });
});

interface Outcome {
  /** Undefined: there was none. */
  status?: number;
  retryAfter?: string | null;
  /** What came, whole; undefined when it broke off or never came. */
  body?: string;
  error?: string;
}

type Fetch = typeof globalThis.fetch;

/** Gives up as soon as the server let the request fail, when nothing comes back. */
async function outcomeOf(
  server: OfflineServer,
  { fetch, url }: { fetch: Fetch; url: string },
  more: Parameters<typeof requestOf>[0],
) {
  const controller = new AbortController();
  const request = fetch(`${url}/v1/chat/completions`, {
    method: "POST",
    body: JSON.stringify(requestOf(more)),
    signal: controller.signal,
  });
  const settled = request.then(
    () => undefined,
    () => undefined,
  );
  while (server.traffic.faulted === 0) await new Promise(setImmediate);
  if (Object.keys(server.traffic.faultsByKind).some((kind) => kind.startsWith("hang"))) controller.abort();
  await settled;
  const outcome: Outcome = {};
  try {
    const response = await request;
    outcome.status = response.status;
    outcome.retryAfter = response.headers.get("retry-after");
    outcome.body = await response.text();
  } catch (error) {
    outcome.error = error instanceof Error ? error.name : String(error);
  }
  return outcome;
}

/** By kind: what the client sees, and whether it was charged. */
const EXPECTED: Readonly<Record<FaultKind, [outcome: object, charged: number]>> = {
  "429": [{ status: 429, retryAfter: "1" }, 0],
  "429-retry-after": [{ status: 429, retryAfter: "1" }, 0],
  "429-bare": [{ status: 429, retryAfter: null }, 0],
  "429-flex": [{ status: 429, body: expect.stringContaining('"code":"resource_unavailable"') }, 0],
  "500": [{ status: 500, body: expect.stringContaining("server had an error") }, 0],
  "502": [{ status: 502, body: expect.stringContaining("<html>") }, 0],
  "503": [{ status: 503, body: expect.stringContaining("overloaded") }, 0],
  reset: [{ error: "TypeError" }, 0],
  "reset-billed": [{ error: "TypeError" }, 1],
  hang: [{ error: "AbortError" }, 0],
  "hang-billed": [{ error: "AbortError" }, 1],
  "cut-stream": [{ status: 200, error: "TypeError" }, 1],
  "slow-body": [{ status: 200, body: expect.stringContaining("chat.completion") }, 1],
};

describe.each(["in process", "on a port"])("faults %s", (place) => {
  it.each(Object.entries(EXPECTED))("of the kind %s", async (kind, [expected, charged]) => {
    const waits: number[] = [];
    const server = startServer({
      faults: { seed: 7, share: 1, kinds: [kind as FaultKind] },
      delay: async (milliseconds) => void waits.push(milliseconds),
    });
    const listening = place === "on a port" ? await server.listen() : undefined;
    const target = listening
      ? { fetch: globalThis.fetch, url: listening.url }
      : { fetch: server.fetch, url: "http://offline.test" };
    const outcome = await outcomeOf(server, target, {
      stream: kind === "cut-stream",
      ...(kind === "429-flex" ? { model: "gpt-5-mini", service_tier: "flex" } : {}),
    });
    await listening?.close();
    expect(outcome).toMatchObject(expected);
    expect(server.bill.requests).toBe(charged);
    expect(server.charges.size).toBe(charged);
    expect(server.traffic.faultsByKind).toEqual({ [kind]: 1 });
    expect(waits.length > 0).toBe(kind === "slow-body");
  });
});

describe("faults beside a script", () => {
  it("give way to it, and those after it stay what they are", async () => {
    const faults: FaultOptions = { seed: 3, share: 0.5, kinds: ["500"] };
    const statuses = async (server: OfflineServer) => {
      const all: number[] = [];
      for (let request = 0; request < 30; request++) all.push((await post(server, requestOf())).status);
      return all;
    };
    const alone = await statuses(startServer({ faults }));
    expect(new Set(alone)).toEqual(new Set([200, 500]));
    const scripted = startServer({ faults });
    scripted.script.next({ kind: "content", content: "Yes.", times: 10 });
    const rest = alone.slice(10);
    expect(await statuses(scripted)).toEqual([...Array.from({ length: 10 }, () => 200), ...rest]);
    expect(scripted.traffic.faulted).toBe(rest.filter((status) => status === 500).length);
  });

  it("can be anything that a script can answer", async () => {
    const server = startServer({
      faults: { seed: 1, share: 1, kinds: [{ kind: "refusal", refusal: "I will not." }] },
    });
    expect((await answerTo(server)).message.refusal).toBe("I will not.");
    expect(server.traffic.faultsByKind).toEqual({ refusal: 1 });
  });

  it("do not befall requests that are refused anyway", async () => {
    const server = startServer({ faults: { seed: 1, share: 1, kinds: ["500"] } });
    expect((await post(server, requestOf({ temperature: 9 }))).status).toBe(400);
    expect(server.traffic).toMatchObject({ requests: 1, faulted: 0 });
  });

  it("begin again after a reset, so that the same run meets the same", async () => {
    const server = startServer({ faults: { seed: 5, share: 0.4, kinds: ["500", "429", "503"] } });
    const run = async () => {
      const all: number[] = [];
      for (let request = 0; request < 20; request++) all.push((await post(server, requestOf())).status);
      return all;
    };
    const first = await run();
    server.reset();
    expect(await run()).toEqual(first);
  });
});
