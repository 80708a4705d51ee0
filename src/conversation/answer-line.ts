/** The line on which all personas of a conversation give their answers: one client and one wire schema a model, not one each. */
import type { StructuredToolInterface } from "@langchain/core/tools";
import { type Answer, answerSchema } from "../domain/answer.ts";
import { demandPieces, demandText } from "../model/demand.ts";
import type { Gateway, ModelLine } from "../model/gateway.ts";
import { keptLines } from "../model/kept-lines.ts";
import { tokenBound } from "../model/tokens/tokens.ts";
import type { Scenario } from "../scenario/scenario.ts";

export interface AnswerLine {
  to(model: string, seed: number | undefined): ModelLine<Answer>;
  /** The most tokens that tools and schema can be. */
  readonly demandBound: number;
  /** Each tool, then the schema, as a model reads them. */
  demandPieces(): string[];
}

export interface AnswerLineParts {
  scenario: Scenario;
  gateway: Gateway;
  /** As anybody is offered them: what they are called and take is the same for all. */
  tools: readonly StructuredToolInterface[];
}

export function createAnswerLine({ scenario, gateway, tools }: AnswerLineParts): AnswerLine {
  const { method, maxOutputTokens, temperature } = scenario.answers;
  const schema = answerSchema(scenario.cast.map(({ id }) => id) as [string, ...string[]]);
  return {
    to: keptLines<Answer>(gateway, { schema, tools, method, maxOutputTokens, temperature }),
    demandBound: tokenBound(demandText({ schema, tools })),
    demandPieces: () => demandPieces({ schema, tools }),
  };
}
