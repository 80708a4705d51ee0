/** What stores kept before they knew who had answered: as their records say, on both engines. */
import { expect, it } from "vitest";
import { openStore, type Store } from "../../../src/store/store.ts";
import { onEachEngine } from "../engines.ts";

/** As the versions before wrote it. */
async function makeOlder({ sql }: Store): Promise<void> {
  for (const table of ["usage_entries", "requests"])
    await sql.query(`alter table dramatis.${table} drop column offline`);
  await sql.query("alter table dramatis.requests drop column tier");
  await sql.query("delete from dramatis.migrations where version >= 7");
  const record = (transport: string) => JSON.stringify({ transport });
  const conversations = [
    ["offline", "completed", record("offline")],
    ["offline", "failed", record("network")],
    ["offline", "waiting", null],
    ["network", "completed", record("network")],
    ["network", "running", null],
  ];
  for (const [position, [run, status, kept]] of conversations.entries()) {
    const id = `${run}-${status}`;
    await sql.query(
      "insert into dramatis.runs (id, scenario, definition, conversations) values ($1, 's', '{}', 1) on conflict do nothing",
      [run],
    );
    await sql.query(
      "insert into dramatis.conversations (id, run_id, position, status, record) values ($1, $2, $3, $4, $5)",
      [id, run, position, status, kept],
    );
    await sql.query(
      "insert into dramatis.usage_entries (conversation_id, position, model, tier) values ($1, 0, 'o3', 'standard')",
      [id],
    );
    await sql.query(
      `insert into dramatis.requests (conversation_id, digest, occurrence, run_id, purpose, model, state, attempts)
       values ($1, 'd', 0, $2, 'turn', 'o3', 'open', '[{"attempt":1},{"attempt":2}]')`,
      [id, run],
    );
  }
}

onEachEngine("a store of before", ({ address }) => {
  it("takes those for offline whose records say so, else those whose run has such a record", async () => {
    const place = await address();
    const first = await openStore(place);
    await makeOlder(first);
    await first.close();
    const { sql, close } = await openStore(place);
    const rows = await sql.query(
      `select q.conversation_id as id, e.offline as entry, q.offline as request, q.tier, q.attempts
       from dramatis.requests q join dramatis.usage_entries e using (conversation_id) order by 1`,
    );
    await close();
    const attempts = [{ attempt: 1 }, { attempt: 2 }];
    const network = { entry: false, request: false, tier: null, attempts };
    const offline = attempts.map((attempt) => ({ ...attempt, offline: true }));
    expect(rows).toEqual([
      { id: "network-completed", ...network },
      { id: "network-running", ...network },
      { id: "offline-completed", entry: true, request: true, tier: null, attempts: offline },
      { id: "offline-failed", ...network },
      // It has no entries in a sound store: they come with the record.
      { id: "offline-waiting", entry: false, request: true, tier: null, attempts: offline },
    ]);
  });
});
