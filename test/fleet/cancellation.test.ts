/** How a conversation in hand learns that its run was cancelled, and when it ends then. */
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { createCancellation, heldSignals } from "../../src/fleet/cancellation.ts";
import type { Sql } from "../../src/store/sql.ts";

const signals = (parts: { stop?: AbortSignal; abort?: AbortSignal } = {}) =>
  heldSignals(parts.stop ?? new AbortController().signal, parts.abort);

describe("heldSignals", () => {
  it("ends a conversation after its turn when it is cancelled while it asks something new", () => {
    const end = signals();
    end.onNew();
    end.cancel();
    end.onNew();
    expect([end.stopSignal.aborted, end.signal.aborted, end.isCancelled()]).toEqual([true, false, true]);
  });

  it("lets what is stored be gone through to its end first, and breaks off what would be asked after it", () => {
    const end = signals();
    end.cancel();
    expect([end.stopSignal.aborted, end.signal.aborted]).toEqual([false, false]);
    end.onNew();
    expect(end.signal.aborted).toBe(true);
  });

  it("follows its worker's signals until it is released", () => {
    const [stop, abort] = [new AbortController(), new AbortController()];
    const followed = signals({ stop: stop.signal, abort: abort.signal });
    const released = signals({ stop: stop.signal, abort: abort.signal });
    released.release();
    stop.abort();
    abort.abort();
    expect([followed.stopSignal.aborted, followed.signal.aborted]).toEqual([true, true]);
    expect([released.stopSignal.aborted, released.signal.aborted]).toEqual([false, false]);
    expect(signals({ stop: stop.signal }).stopSignal.aborted).toBe(true);
  });
});

describe("createCancellation", () => {
  /** A store in which the given runs go on. */
  function store(going: Set<string>) {
    let looks = 0;
    const sql = {
      async query(_: string, [ids]: [string[]]) {
        looks += 1;
        if (looks === 1) throw new Error("the database is away");
        return ids.filter((id) => going.has(id)).map((id) => ({ id }));
      },
    } as unknown as Sql;
    return { sql, looks: () => looks };
  }

  it("tells once, and only those whose run was cancelled or is gone, also after the store could not be asked", async () => {
    const going = new Set(["a", "b"]);
    const { sql, looks } = store(going);
    const cancellation = createCancellation(sql, 1);
    const told: string[] = [];
    cancellation.watch("a", () => told.push("a"));
    const unwatch = cancellation.watch("b", () => told.push("b"));
    await expect.poll(looks).toBeGreaterThan(2);
    expect(told).toEqual([]);
    going.delete("a");
    await expect.poll(() => told).toEqual(["a"]);
    const seen = looks();
    await expect.poll(looks).toBeGreaterThan(seen + 1);
    expect(told).toEqual(["a"]);
    unwatch();
  });

  it("looks one after the other, whoever comes and goes during a look", async () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const looks: PromiseWithResolvers<{ id: string }[]>[] = [];
    const query = () => {
      const look = Promise.withResolvers<{ id: string }[]>();
      looks.push(look);
      return look.promise;
    };
    const cancellation = createCancellation({ query } as unknown as Sql, 10);
    const going = [{ id: "a" }];
    let unwatch = cancellation.watch("a", () => undefined);
    for (let look = 0; look < 3; look++) {
      await vi.advanceTimersByTimeAsync(10);
      unwatch();
      unwatch = cancellation.watch("a", () => undefined);
      await vi.advanceTimersByTimeAsync(100);
      expect([looks.length, vi.getTimerCount()]).toEqual([look + 1, 0]);
      looks[look]?.resolve(going);
      await vi.advanceTimersByTimeAsync(0);
      expect(vi.getTimerCount()).toBe(1);
    }
    unwatch();
    expect(vi.getTimerCount()).toBe(0);
  });
});
