/**
 * Bookings of a pace that give back what was not used count once. A statement whose answer got lost is sent again, and would give
 * the same tokens back twice: others would then be let go beyond the limit. So whoever gives back names a mark, and what comes
 * under a mark that is there already gives nothing back. See src/store/pace.ts.
 */
const bookOnce = `
create function dramatis.book_pace_once(
  in_account text, in_model text, in_costs float8[], in_set_requests float8, in_set_tokens float8,
  in_told_requests float8, in_told_tokens float8, in_requests_hold float8, in_tokens_hold float8,
  in_unused_requests float8, in_unused_tokens float8, in_accepted integer, in_at float8, in_mark uuid,
  out at float8, out slots float8[], out paused_until float8, out pauses integer, out growth integer,
  out requests_per_minute float8, out tokens_per_minute float8
) language plpgsql as $$
begin
  if in_mark is not null then
    delete from dramatis.marks where token in (
      select token from dramatis.marks where marks.at < clock_timestamp() - interval '1 hour' limit 10 for update skip locked);
    insert into dramatis.marks (token) values (in_mark) on conflict do nothing;
    if not found then
      in_unused_requests := 0;
      in_unused_tokens := 0;
    end if;
  end if;
  select booked.* into at, slots, paused_until, pauses, growth, requests_per_minute, tokens_per_minute
  from dramatis.book_pace(
    in_account, in_model, in_costs, in_set_requests, in_set_tokens, in_told_requests, in_told_tokens,
    in_requests_hold, in_tokens_hold, in_unused_requests, in_unused_tokens, in_accepted, in_at) as booked;
end
$$
`;

/** Statements of a migration end with their line, and functions hold statements. */
export const bookings = `${bookOnce.trim().replaceAll(/\s*\n\s*/g, " ")};\n`;
