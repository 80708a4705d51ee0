/** When a request was sent was written down, and nobody ever asked. */
export const sentAt = `
alter table dramatis.requests drop column sent_at;
`;
