/**
 * Runs, arms of experiments, conversations, what was said and spent, requests on their way, the response cache, and marks
 * of transactions, by which one whose commit got no answer is told from one that never was.
 */
export const tables = `
create table dramatis.runs (
  id text primary key,
  scenario text not null,
  definition json not null,
  conversations integer not null check (conversations > 0),
  max_cost_nano_usd bigint check (max_cost_nano_usd > 0),
  spent_nano_usd bigint not null default 0,
  held_nano_usd bigint not null default 0 check (held_nano_usd >= 0),
  is_cancelled boolean not null default false,
  created_at timestamptz not null default clock_timestamp()
);

create table dramatis.conversations (
  id text primary key,
  run_id text not null references dramatis.runs on delete cascade,
  position integer not null,
  arm text,
  settings json not null default '{}',
  status text not null default 'waiting',
  lease text,
  worker text,
  ending json,
  record json,
  turns integer not null default 0,
  requests integer not null default 0,
  input_tokens bigint not null default 0,
  cached_input_tokens bigint not null default 0,
  output_tokens bigint not null default 0,
  cost_nano_usd bigint,
  unpriced_requests integer not null default 0,
  unpriced_bound_nano_usd bigint not null default 0,
  started_at timestamptz,
  ended_at timestamptz,
  unique (run_id, position)
);
create index conversations_by_status on dramatis.conversations (run_id, status);

create table dramatis.turns (
  conversation_id text not null references dramatis.conversations on delete cascade,
  turn integer not null,
  speaker text not null,
  model text not null,
  message text not null,
  body json not null,
  primary key (conversation_id, turn)
);

create table dramatis.usage_entries (
  conversation_id text not null references dramatis.conversations on delete cascade,
  position integer not null,
  turn integer,
  persona text,
  purpose text,
  model text not null,
  tier text not null,
  input_tokens bigint,
  cached_input_tokens bigint,
  output_tokens bigint,
  reasoning_tokens bigint,
  cost_nano_usd bigint,
  cost_bound_nano_usd bigint,
  from_cache boolean not null default false,
  saved_nano_usd bigint,
  request_id text,
  primary key (conversation_id, position)
);

create table dramatis.failures (
  conversation_id text not null references dramatis.conversations on delete cascade,
  position integer not null,
  turn integer not null,
  kind text not null,
  body json not null,
  primary key (conversation_id, position)
);

create table dramatis.requests (
  conversation_id text not null references dramatis.conversations on delete cascade,
  digest text not null,
  occurrence integer not null,
  run_id text not null,
  purpose text not null,
  turn integer,
  persona text,
  model text not null,
  state text not null check (state in ('held', 'sent', 'open', 'parked', 'arrived', 'answered', 'failed')),
  held_nano_usd bigint,
  bound_nano_usd bigint,
  attempts json not null default '[]',
  outcome json,
  cost_nano_usd bigint,
  first_at timestamptz not null default clock_timestamp(),
  sent_at timestamptz,
  primary key (conversation_id, digest, occurrence)
);

create table dramatis.response_cache (
  key text primary key,
  completion json,
  claim text,
  bytes integer not null,
  expires_at timestamptz not null,
  used_at timestamptz not null default clock_timestamp()
);
create index response_cache_by_use on dramatis.response_cache (used_at);
create index response_cache_by_expiry on dramatis.response_cache (expires_at);

create table dramatis.arms (
  run_id text not null references dramatis.runs on delete cascade,
  arm text not null,
  position integer not null,
  levels json not null,
  changes json not null,
  primary key (run_id, arm)
);

create table dramatis.marks (
  token uuid primary key,
  at timestamptz not null default clock_timestamp()
);
create index marks_by_time on dramatis.marks (at);
`;
