/** Arms of experiments: what each combination of levels is, and what it changes of its run's definition. */
export const arms = `
create table dramatis.arms (
  run_id text not null references dramatis.runs on delete cascade,
  arm text not null,
  position integer not null,
  levels json not null,
  changes json not null,
  primary key (run_id, arm)
);
`;
