import { openStore } from "./src/store/store.ts";
for (const a of process.argv.slice(2)) {
let t = performance.now();
const s = await openStore(a); console.log(s.engine, s.place, performance.now() - t);
console.log(await s.sql.query("select count(*) n, max(version) v, 12345678901::bigint b from dramatis.migrations"));
console.log(await s.sql.query("select table_name from information_schema.tables where table_schema='dramatis'"));
await s.close(); t = performance.now();
const s2 = await openStore(a); console.log("again", performance.now() - t); 
await openStore(a).then((s)=>s.close(), (e) => console.log(e.message)); await s2.close();
}
