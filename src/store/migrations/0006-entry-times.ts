/**
 * When the provider says that it answered: its reports are by day and minute. Entries of before do not know it; they lie between
 * the beginning and the end of their conversation.
 */
export const entryTimes = `
alter table dramatis.usage_entries add column answered_at timestamptz;
`;
