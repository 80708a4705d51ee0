/** Problems of which nobody asked to be told. */
import { once } from "node:events";
import { expect, it } from "vitest";
import { warnOf } from "../../src/simulation/problem-warning.ts";

it("are warnings of the process, with the conversation and without a key", async () => {
  const warned = once(process, "warning");
  const error = new Error("the store is away, sk-secretsecretsecret");
  warnOf("it is begun again")({ conversationId: "spring-000001" }, error);
  expect(await warned).toMatchObject([
    {
      name: "DramatisWarning",
      code: "DRAMATIS_SIMULATION",
      message: "The conversation spring-000001, it is begun again: the store is away, [key removed]",
    },
  ]);
});
