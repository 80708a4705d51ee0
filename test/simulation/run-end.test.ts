/** When the end of a run is noticed. */
import { expect, it } from "vitest";
import { createRunEnds } from "../../src/simulation/run-end.ts";
import type { Sql } from "../../src/store/sql.ts";

const NEVER_MS = 2 ** 31 - 1;

/** A store that says, look by look, whether something is open; `onLook` is told how many looks there were. */
function storeOf(open: readonly boolean[], onLook: (looks: number) => void = () => undefined) {
  let looks = 0;
  const sql = {
    async query() {
      const found = open[looks] ?? false;
      looks += 1;
      onLook(looks);
      return [{ found }];
    },
  } as unknown as Sql;
  return { sql, looks: () => looks };
}

it("is noticed at once when the last conversation ends here, also while the store is asked", async () => {
  const { sql, looks } = storeOf([true, true, false], (look) => {
    if (look === 1) runEnds.wake("run");
    if (look === 2) setImmediate(() => runEnds.wake("run"));
  });
  const runEnds = createRunEnds({ sql, lookMs: NEVER_MS });
  await runEnds.wait("run");
  expect(looks()).toBe(3);
});

it("is noticed after a while when another process holds the conversations", async () => {
  const { sql, looks } = storeOf([true, true, false]);
  await createRunEnds({ sql, lookMs: 1 }).wait("run");
  expect(looks()).toBe(3);
});

it("is not waited for any longer once the signal is aborted", async () => {
  const enough = new AbortController();
  const { sql, looks } = storeOf([true], () => setImmediate(() => enough.abort(new Error("enough"))));
  const runEnds = createRunEnds({ sql, lookMs: NEVER_MS });
  await expect(runEnds.wait("run", enough.signal)).rejects.toThrow("enough");
  expect(looks()).toBe(1);
});
