/** Problems of which nobody asked to be told. */
import { once } from "node:events";
import { expect, it } from "vitest";
import { warnOf } from "../../src/simulation/problem-warning.ts";

it("are warnings of the process, with the conversation and without a key", async () => {
  const warned = once(process, "warning");
  const error = new Error("the store is away, sk-secretsecretsecret");
  warnOf("it is begun again")({ runId: "spring", conversationId: "spring-000001" }, error);
  expect(await warned).toMatchObject([
    {
      name: "DramatisWarning",
      code: "DRAMATIS_SIMULATION",
      message: "The conversation spring-000001, it is begun again: the store is away, [key removed]",
    },
  ]);
});

it("name the run whose batches they are about", async () => {
  const warned = once(process, "warning");
  warnOf("it is begun again")({ runId: "spring", conversationId: "" }, new Error("the provider is away"));
  expect(await warned).toMatchObject([{ message: "The batches of spring: the provider is away" }]);
});
