/** What an answered request cost, so that a run's spending is known while its conversations are under way. */
export const requestCosts = `
alter table dramatis.requests add column cost_nano_usd bigint
`;
