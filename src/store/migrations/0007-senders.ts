/**
 * Whether the offline server answered, of each entry, attempt and request, and at which tier a request was sent last: a run may
 * be gone on with by another transport, and at another tier. What was written before is taken to be as the record of its
 * conversation says, else as that of any other of its run.
 */
export const senders = `
alter table dramatis.usage_entries add column offline boolean not null default false;
alter table dramatis.requests add column offline boolean not null default false;
alter table dramatis.requests add column tier text;
update dramatis.usage_entries as entry set offline = true
  from dramatis.conversations c where c.id = entry.conversation_id and c.record ->> 'transport' <> 'network';
update dramatis.requests as request set offline = true, attempts = coalesce((
    select json_agg(attempt::jsonb || '{"offline":true}' order by place)
    from json_array_elements(request.attempts) with ordinality as listed (attempt, place)), '[]')
  from dramatis.conversations c
  where c.id = request.conversation_id and coalesce(c.record ->> 'transport' <> 'network', exists (
    select from dramatis.conversations o where o.run_id = c.run_id and o.record ->> 'transport' <> 'network'));
`;
