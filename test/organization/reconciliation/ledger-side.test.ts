/** The ledger's side while conversations go on: nothing is counted twice or left out, on both engines. */
import { expect, it } from "vitest";
import { loadCatalog } from "../../../src/catalog/catalog.ts";
import { type LedgerSource, openLedger } from "../../../src/organization/reconciliation/ledger-side.ts";
import { settle } from "../../../src/store/requests.ts";
import type { Sql } from "../../../src/store/sql.ts";
import { onEachEngine } from "../../store/engines.ts";
import {
  answer,
  begin,
  complete,
  counted,
  DAY,
  entry,
  MINUTE,
  requestId,
  TEN,
} from "../../store/sample-spending.ts";
import { storeRun } from "../../store/stored-run.ts";

const catalog = loadCatalog();
const sourceOf = (sql: Sql): LedgerSource => ({
  sql,
  catalog,
  nameOf: (model) => model,
  clock: () => TEN + 30 * MINUTE,
});

/** Does something before one of its statements, counted from 0. */
function interrupted(sql: Sql, place: number, act: () => Promise<void>) {
  const seen: string[] = [];
  const interrupted: Sql = {
    transaction: (run) => sql.transaction(run),
    async query(statement, values) {
      if (seen.length === place) await act();
      seen.push(typeof statement === "string" ? statement : statement.text);
      return await sql.query(statement, values);
    },
  };
  return { sql: interrupted, seen };
}

onEachEngine("the ledger's side", ({ open }) => {
  it("has what a conversation asked once, whenever meanwhile it completes", async () => {
    const store = await open();
    const ledgerOf = await openLedger(sourceOf(store.sql), DAY);
    expect(await ledgerOf(DAY)).toEqual({ ledger: [], lost: [], underWay: 0 });
    let statements = Number.POSITIVE_INFINITY;
    let place = 0;
    for (; place <= statements; place += 1) {
      const run = `run-${place}`;
      await storeRun(store, run, [{ record: undefined }]);
      const holder = await begin(store, `${run}-1`);
      await answer(store, holder, `${run} one`, 7);
      await answer(store, holder, `${run} two`, 9);
      const entries = ["one", "two"].map((id) =>
        entry({ ...counted, costNanoUsd: 5, requestId: `${run} ${id}` }),
      );
      const { sql, seen } = interrupted(store.sql, place, () => complete(store, holder, entries));
      const ledgerOf = await openLedger(sourceOf(sql), DAY);
      for (const width of ["hour", "minute"] as const) {
        const { ledger } = await ledgerOf(DAY, width);
        const own = ledger.filter((row) => row.run === run);
        expect(own.reduce((sum, { requests }) => sum + requests, 0)).toBe(2);
        expect(own.reduce((sum, { inputTokens }) => sum + inputTokens, 0)).toBe(20);
      }
      statements = seen.length;
      if (place === statements) await complete(store, holder, entries);
    }
    expect(place).toBeGreaterThan(4);
  });

  it("has an answer that tells no tokens as a lost one, within what was counted for it", async () => {
    const store = await open();
    await storeRun(store, "run", [{ record: undefined }]);
    const holder = await begin(store, "run-1");
    const closing = { ...requestId("untold"), attempts: [], outcome: { completion: { usage: null } } };
    await settle(store.sql, holder, { ...closing, state: "answered", spentNanoUsd: 70 });
    const { ledger, lost } = await (await openLedger(sourceOf(store.sql), DAY))(DAY);
    expect(ledger).toEqual([]);
    expect(lost).toMatchObject([{ run: "run", model: "o3", tier: "standard", boundNanoUsd: 70 }]);
  });

  it("reads what is kept once, however often it is asked for a time", async () => {
    const store = await open();
    await storeRun(store, "run", [{ record: undefined }]);
    const holder = await begin(store, "run-1");
    await answer(store, holder, "one", 7);
    const { sql, seen } = interrupted(store.sql, -1, async () => undefined);
    const ledgerOf = await openLedger(sourceOf(sql), DAY);
    const atFirst = seen.length;
    for (const width of ["hour", "minute", "minute"] as const)
      expect((await ledgerOf(DAY, width)).ledger).toMatchObject([{ requests: 1, inputTokens: 10 }]);
    expect(seen.slice(atFirst).filter((statement) => statement.includes("dramatis.requests"))).toEqual([]);
    expect(seen.length).toBe(atFirst + 3);
  });
});
