/** The smallest scenario file: two people, written in place. */
const person = (id: string, name: string) => `  - id: ${id}
    name: ${name}
    role: engineer
    background: Builds ferries.
    personality:
      kind: pragmatic
      traits: [calm]
      communicationStyle: Short sentences.
      bigFive:
        { openness: 0.5, conscientiousness: 0.5, extraversion: 0.5, agreeableness: 0.5, neuroticism: 0.5 }
    expertise: [ferries]
    goals: [one decision]
`;

export const TWO_PEOPLE = `id: two-people
title: Two people
topic: Should the ferry leave earlier?
opening: Please begin.
cast:
${person("ana-lund", "Ana Lund")}${person("bo-ferro", "Bo Ferro")}endings:
  - maxTurns: 4
`;
