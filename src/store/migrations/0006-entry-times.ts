/**
 * When what a ledger holds was asked and answered: reports of a provider are by day. Entries of before have neither; they lie
 * between the beginning and the end of their conversation.
 */
export const entryTimes = `
alter table dramatis.usage_entries add column asked_at timestamptz, add column answered_at timestamptz;
`;
