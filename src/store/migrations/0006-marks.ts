/** Marks of transactions, by which one whose commit got no answer is told from one that never was. */
export const marks = `
create table dramatis.marks (
  token uuid primary key,
  at timestamptz not null default clock_timestamp()
);
create index marks_by_time on dramatis.marks (at);
`;
