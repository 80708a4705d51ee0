/** Which tables a store has, as its database tells: what is copied, counted and compared is never listed by hand. */
import type { Sql } from "./sql.ts";

export const SCHEMA = "dramatis";
/** Each store's own: what its migrations note, equal in all of one version, and the marks of its latest transactions. */
const OWN = new Set(["migrations", "checkpoint_migrations", "marks"]);

export interface TableColumn {
  name: string;
  /** As in a cast. */
  type: string;
}

export interface Table {
  name: string;
  columns: TableColumn[];
  /** Tables it refers to. */
  refersTo: string[];
}

export const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;
export const fullName = ({ name }: Pick<Table, "name">): string => `${SCHEMA}.${quoted(name)}`;

/** Those referred to come first. */
function inOrder(tables: readonly Table[]): Table[] {
  const byName = new Map(tables.map((table) => [table.name, table]));
  const ordered = new Set<Table>();
  const add = (table: Table, above: readonly Table[]) => {
    if (ordered.has(table) || above.includes(table)) return;
    for (const name of table.refersTo) {
      const other = byName.get(name);
      if (other !== undefined) add(other, [...above, table]);
    }
    ordered.add(table);
  };
  for (const table of tables) add(table, []);
  return [...ordered];
}

/** Everything a store holds, those referred to first; not what is its own. */
export async function tablesOf(sql: Sql): Promise<Table[]> {
  const columns = await sql.query<{ table: string; name: string; type: string }>(
    `select c.relname as table, a.attname as name, format_type(a.atttypid, a.atttypmod) as type
     from pg_class c join pg_attribute a on a.attrelid = c.oid
     where c.relnamespace = $1::regnamespace and c.relkind in ('r', 'p') and a.attnum > 0
       and not a.attisdropped and a.attgenerated = ''
     order by c.relname, a.attname`,
    [SCHEMA],
  );
  const references = await sql.query<{ table: string; other: string }>(
    `select c.relname as table, other.relname as other
     from pg_constraint f join pg_class c on c.oid = f.conrelid join pg_class other on other.oid = f.confrelid
     where f.contype = 'f' and f.connamespace = $1::regnamespace`,
    [SCHEMA],
  );
  const tables = new Map<string, Table>();
  for (const { table, name, type } of columns) {
    if (OWN.has(table)) continue;
    const known = tables.get(table) ?? { name: table, columns: [], refersTo: [] };
    known.columns.push({ name, type });
    tables.set(table, known);
  }
  for (const { table, other } of references) tables.get(table)?.refersTo.push(other);
  return inOrder([...tables.values()]);
}

export interface TableDigest {
  table: string;
  rows: number;
  /** Of all rows, whatever their order. */
  digest: string;
}

/** How values become text, the same on every server; for the transaction it is set in. */
export async function setPlainText(tx: Sql): Promise<void> {
  for (const [name, value] of [
    ["timezone", "UTC"],
    ["datestyle", "ISO, YMD"],
    ["intervalstyle", "postgres"],
    ["extra_float_digits", "1"],
    ["bytea_output", "hex"],
  ]) {
    await tx.query("select set_config($1, $2, true)", [name, value]);
  }
}

/** Counts a table's rows and adds up a 128-bit digest of each; after `setPlainText`, in the same transaction. */
export async function digestOf(tx: Sql, table: Table): Promise<TableDigest> {
  const values = table.columns.map(({ name }) => quoted(name)).join(", ");
  const half = (from: number) =>
    `coalesce(sum(('x' || substr(digest, ${from}, 16))::bit(64)::bigint::numeric), 0)::text`;
  const [row] = await tx.query<{ rows: number; high: string; low: string }>(
    `select count(*)::bigint as rows, ${half(1)} as high, ${half(17)} as low
     from (select md5(row(${values})::text) as digest from ${fullName(table)}) as digests`,
  );
  return { table: table.name, rows: row?.rows ?? 0, digest: `${row?.high}:${row?.low}` };
}
