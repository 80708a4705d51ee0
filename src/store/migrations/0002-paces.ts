/**
 * One pace for all workers: a row for each account and model, and the two functions that change it. Each takes the row
 * locked and reads the database's clock after that, so that statements take effect one after the other, in the order of
 * their times. Times are milliseconds since 1970 at that clock. See src/store/pace.ts for what it all means.
 */

/** Statements of a migration end with their line, and functions hold statements. */
const inOneLine = (statement: string): string => statement.trim().replaceAll(/\s*\n\s*/g, " ");

/** The row, locked; made where it is missing. */
const LOCK = `
  select * into p from dramatis.paces where account = in_account and model = in_model for update;
  if not found then
    insert into dramatis.paces (account, model) values (in_account, in_model) on conflict do nothing;
    select * into p from dramatis.paces where account = in_account and model = in_model for update;
  end if;
  at := coalesce(in_at, extract(epoch from clock_timestamp()) * 1000);
`;

/** The pace that was concluded from rejections comes back by 5 % of itself a second, and is forgotten at its double. */
const RECOVER = `
  lowered := p.lowered_requests * (1 + greatest(0, at - p.paused_until) / 1000 * 0.05);
  if lowered >= 2 * p.lowered_requests then
    p.lowered_requests := null;
    lowered := null;
  end if;
`;

const book = `
create function dramatis.book_pace(
  in_account text, in_model text, in_costs float8[], in_set_requests float8, in_set_tokens float8,
  in_told_requests float8, in_told_tokens float8, in_requests_hold float8, in_tokens_hold float8,
  in_unused_requests float8, in_unused_tokens float8, in_accepted integer, in_at float8,
  out at float8, out slots float8[], out paused_until float8, out pauses integer, out growth integer,
  out requests_per_minute float8, out tokens_per_minute float8
) language plpgsql as $$
declare
  tolerance constant float8 := 50;
  share constant float8 := 0.975;
  longest constant float8 := 60200;
  p dramatis.paces;
  lowered float8;
  request_ms float8;
  token_ms float8;
  cost float8;
  slot float8;
begin
  ${LOCK}
  p.requests_at := least(p.requests_at, at + 600000);
  p.tokens_at := least(p.tokens_at, at + 600000);
  p.told_requests := coalesce(in_told_requests, p.told_requests);
  p.told_tokens := coalesce(in_told_tokens, p.told_tokens);
  if in_accepted = p.pauses then
    p.growth := 0;
  end if;
  ${RECOVER}
  requests_per_minute := coalesce(least(in_set_requests, p.told_requests), lowered);
  tokens_per_minute := least(in_set_tokens, p.told_tokens);
  request_ms := 60000 / requests_per_minute / share;
  if at - p.largest_at > longest then
    p.largest_tokens := 0;
  end if;
  token_ms := 60000 / least(share * tokens_per_minute, 0.9975 * greatest(tokens_per_minute - p.largest_tokens, 1e-3 * tokens_per_minute));
  if requests_per_minute is not null then
    p.requests_at := greatest(p.requests_at - in_unused_requests * request_ms, at + in_requests_hold + tolerance);
  end if;
  if tokens_per_minute is not null then
    p.tokens_at := greatest(
      p.tokens_at
        - least(longest, greatest(in_unused_tokens, 0) * 60000 / tokens_per_minute / share)
        + least(longest, greatest(- in_unused_tokens, 0) * token_ms),
      at + in_tokens_hold + tolerance);
  end if;
  slots := '{}';
  slot := greatest(at, p.paused_until);
  foreach cost in array in_costs loop
    if tokens_per_minute is not null and cost > greatest(p.largest_tokens, (1 - share) * tokens_per_minute) then
      p.tokens_at := p.tokens_at + least(longest, (cost - greatest(p.largest_tokens, (1 - share) * tokens_per_minute)) * token_ms);
      p.largest_tokens := cost;
      token_ms := 60000 / least(share * tokens_per_minute, 0.9975 * greatest(tokens_per_minute - cost, 1e-3 * tokens_per_minute));
    end if;
    if requests_per_minute is not null then
      slot := greatest(slot, p.requests_at - tolerance);
    end if;
    if tokens_per_minute is not null then
      slot := greatest(slot, p.tokens_at - tolerance);
      p.tokens_at := greatest(p.tokens_at, slot) + least(longest, cost * token_ms);
    end if;
    if requests_per_minute is not null then
      p.requests_at := greatest(p.requests_at, slot) + request_ms;
    end if;
    if cost >= p.largest_tokens then
      p.largest_at := slot;
    end if;
    slots := slots || slot;
  end loop;
  if at - p.sent_from > 10000 then
    p.sent_before := case when at - p.sent_from > 20000 then 0 else p.sent end;
    p.sent := 0;
    p.sent_from := at;
  end if;
  p.sent := p.sent + cardinality(in_costs) - in_unused_requests;
  update dramatis.paces set
    requests_at = p.requests_at, tokens_at = p.tokens_at, largest_tokens = p.largest_tokens, largest_at = p.largest_at,
    growth = p.growth, told_requests = p.told_requests, told_tokens = p.told_tokens, lowered_requests = p.lowered_requests,
    sent_from = p.sent_from, sent = p.sent, sent_before = p.sent_before
  where account = in_account and model = in_model;
  paused_until := p.paused_until;
  pauses := p.pauses;
  growth := p.growth;
end
$$
`;

const pause = `
create function dramatis.pause_pace(
  in_account text, in_model text, in_pauses integer, in_hint float8, in_jitter float8, in_set_requests float8, in_at float8,
  out at float8, out paused_until float8, out pauses integer, out growth integer
) language plpgsql as $$
declare
  tolerance constant float8 := 50;
  p dramatis.paces;
  lowered float8;
  is_new boolean;
begin
  ${LOCK}
  ${RECOVER}
  is_new := in_pauses = p.pauses;
  if is_new then
    if coalesce(in_set_requests, p.told_requests) is not null then
      p.lowered_requests := null;
    elsif lowered is not null then
      p.lowered_requests := greatest(60, lowered * 0.5);
    else
      p.lowered_requests := greatest(600, 60000 * case
        when at - p.sent_from > 20000 then 0
        when p.sent_before > 0 then (p.sent_before + p.sent) / (10000 + at - p.sent_from)
        else p.sent / greatest(2000, at - p.sent_from) end);
    end if;
    p.pauses := p.pauses + 1;
    p.growth := p.growth + 1;
  end if;
  if is_new or in_hint is not null then
    p.paused_until := greatest(p.paused_until, at + coalesce(
      in_hint + in_jitter * least(in_hint / 4, 1000),
      in_jitter * least(60000, 1000 * 2.0 ^ least(p.growth - 1, 6))));
  end if;
  update dramatis.paces set
    requests_at = greatest(p.requests_at, p.paused_until + tolerance), tokens_at = greatest(p.tokens_at, p.paused_until + tolerance),
    paused_until = p.paused_until, pauses = p.pauses, growth = p.growth, lowered_requests = p.lowered_requests
  where account = in_account and model = in_model;
  paused_until := p.paused_until;
  pauses := p.pauses;
  growth := p.growth;
end
$$
`;

export const paces = `
create table dramatis.paces (
  account text not null,
  model text not null,
  requests_at float8 not null default 0,
  tokens_at float8 not null default 0,
  largest_tokens float8 not null default 0,
  largest_at float8 not null default 0,
  paused_until float8 not null default 0,
  pauses integer not null default 0,
  growth integer not null default 0,
  told_requests float8,
  told_tokens float8,
  lowered_requests float8,
  sent_from float8 not null default 0,
  sent float8 not null default 0,
  sent_before float8 not null default 0,
  primary key (account, model)
);
${inOneLine(book)};
${inOneLine(pause)};
`;
