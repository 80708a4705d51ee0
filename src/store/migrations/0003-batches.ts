/**
 * Requests that wait for a batch, the batches they are sent in, and who looks after those of a run. A line's body is the text
 * that is sent; it goes when its answer has come.
 */
export const batches = `
create table dramatis.batches (
  id text primary key,
  run_id text not null references dramatis.runs on delete cascade,
  wave integer not null,
  part integer not null,
  model text not null,
  state text not null default 'planned'
    check (state in ('planned', 'uploading', 'uploaded', 'creating', 'created', 'ended')),
  requests integer not null,
  bytes bigint not null,
  tokens bigint not null,
  file_id text,
  provider_id text,
  status text,
  completed integer not null default 0,
  failed integer not null default 0,
  problem text,
  planned_at timestamptz not null default clock_timestamp(),
  begun_at timestamptz,
  ended_at timestamptz,
  unique (run_id, wave, part)
);

create table dramatis.batch_lines (
  custom_id text primary key,
  run_id text not null references dramatis.runs on delete cascade,
  conversation_id text not null,
  digest text not null,
  occurrence integer not null,
  model text not null,
  body text not null,
  bytes integer not null,
  tokens bigint not null,
  bound_nano_usd bigint,
  batch_id text references dramatis.batches,
  parked_at timestamptz not null default clock_timestamp(),
  unique (conversation_id, digest, occurrence),
  foreign key (conversation_id, digest, occurrence) references dramatis.requests on delete cascade
);
create index batch_lines_by_batch on dramatis.batch_lines (run_id, batch_id);

create table dramatis.coordinators (
  run_id text primary key references dramatis.runs on delete cascade,
  token text not null,
  until timestamptz not null
);
`;
