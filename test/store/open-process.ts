/** A process that opens a store, writes a run named after itself, says so, and holds it until its input ends: <address>. */
import { openStore } from "../../src/store/store.ts";

const store = await openStore(process.argv[2] ?? "");
await store.sql.query(
  "insert into dramatis.runs (id, scenario, definition, conversations) values ($1, 's', '{}', 1)",
  [`process-${process.pid}`],
);
process.stdout.write("open\n");
for await (const _ of process.stdin);
await store.close();
