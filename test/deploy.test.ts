/** The examples of deploy/ name flags, variables and paths that there are, and hold no secret. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Command, CommanderError } from "commander";
import { describe, expect, it } from "vitest";
import { parseAllDocuments } from "yaml";
import { z } from "zod";
import { addWorker } from "../src/cli/worker.ts";
import { sampleTerminal } from "./cli/sample-terminal.ts";

const root = join(import.meta.dirname, "..");
const read = (file: string) => readFileSync(join(root, file), "utf8");

function documents(file: string): unknown[] {
  return parseAllDocuments(read(file), { uniqueKeys: true }).map((document) => {
    expect(document.errors).toEqual([]);
    return document.toJS() as unknown;
  });
}

/** Throws for a flag that the command does not have, or a value it does not take. */
function parseWorker(args: readonly string[]): Record<string, unknown> {
  const program = new Command();
  addWorker(program, sampleTerminal().terminal, () => undefined);
  const worker = program.commands.find((command) => command.name() === "worker");
  if (worker === undefined) throw new Error("there is no command worker");
  worker.exitOverride().configureOutput({ writeErr: () => undefined });
  const { unknown } = worker.parseOptions([...args.slice(1)]);
  expect([args[0], unknown]).toEqual(["worker", []]);
  return worker.opts();
}

/** Variables that the program reads, by its sources. */
const isRead = (name: string) =>
  ["src/app.ts", "src/cli/store-option.ts", "src/vault/find-key.ts"].some(
    (file) => read(file).includes(`env.${name}`) || read(file).includes(`"${name}"`),
  );

const compose = z.object({
  services: z.object({
    postgres: z.object({ environment: z.record(z.string(), z.string()) }).loose(),
    worker: z
      .object({
        command: z.array(z.string()),
        environment: z.record(z.string(), z.string()),
        stop_grace_period: z.string().regex(/^\d+s$/),
        build: z.object({ dockerfile: z.string() }).loose(),
      })
      .loose(),
  }),
});

const probe = z.object({ httpGet: z.object({ path: z.string(), port: z.literal("metrics") }) }).loose();
const deployment = z.object({
  kind: z.literal("Deployment"),
  metadata: z.object({ name: z.string() }).loose(),
  spec: z.object({
    replicas: z.int(),
    selector: z.object({ matchLabels: z.record(z.string(), z.string()) }),
    template: z.object({
      metadata: z.object({
        labels: z.record(z.string(), z.string()),
        annotations: z.record(z.string(), z.string()),
      }),
      spec: z
        .object({
          terminationGracePeriodSeconds: z.int(),
          containers: z.tuple([
            z
              .object({
                args: z.array(z.string()),
                env: z.array(
                  z.object({
                    name: z.string(),
                    valueFrom: z.union([
                      z.object({ fieldRef: z.object({ fieldPath: z.string() }) }),
                      z.object({ secretKeyRef: z.object({ name: z.string(), key: z.string() }) }),
                    ]),
                  }),
                ),
                ports: z.tuple([z.object({ name: z.literal("metrics"), containerPort: z.int() })]),
                livenessProbe: probe,
                readinessProbe: probe,
              })
              .loose(),
          ]),
        })
        .loose(),
    }),
  }),
});
const autoscaler = z.object({
  kind: z.literal("HorizontalPodAutoscaler"),
  spec: z.object({ scaleTargetRef: z.object({ kind: z.string(), name: z.string() }).loose() }).loose(),
});

describe("compose.yaml", () => {
  const { services } = compose.parse(documents("deploy/compose.yaml")[0]);

  it("starts a worker with flags that there are, and more time to end than it takes", () => {
    const { grace, host } = parseWorker(services.worker.command);
    expect(host).toBe("0.0.0.0");
    expect(Number.parseInt(services.worker.stop_grace_period, 10)).toBeGreaterThan(Number(grace));
  });

  it("sets variables that are read, from those of whoever starts it", () => {
    const names = Object.keys(services.worker.environment);
    expect(names).toContain("DRAMATIS_STORE");
    expect(names.filter((name) => !isRead(name))).toEqual([]);
    for (const [name, value] of Object.entries({
      ...services.worker.environment,
      ...services.postgres.environment,
    }))
      if (/KEY|PASSWORD|STORE/.test(name)) expect(value).toMatch(/\$\{[A-Z_]+:\?[^}]+\}/);
  });

  it("builds an image from a file that there is, whose command is a worker", () => {
    const command = /^CMD (\[.*\])$/m.exec(read(services.worker.build.dockerfile))?.[1] ?? "[]";
    expect(parseWorker(z.array(z.string()).parse(JSON.parse(command)))).toMatchObject({ port: 9464 });
  });
});

describe("kubernetes.yaml", () => {
  const [first, second] = documents("deploy/kubernetes.yaml");
  const { metadata, spec } = deployment.parse(first);
  const pod = spec.template.spec;
  const [container] = pod.containers;

  it("starts workers with flags that there are, and more time to end than they take", () => {
    const { grace, port } = parseWorker(container.args);
    expect(pod.terminationGracePeriodSeconds).toBeGreaterThan(Number(grace));
    expect(container.ports[0].containerPort).toBe(port);
    expect(spec.template.metadata.annotations["prometheus.io/port"]).toBe(String(port));
    expect(spec.selector.matchLabels).toEqual(spec.template.metadata.labels);
  });

  it("asks at paths that the endpoint has", () => {
    const endpoint = read("src/fleet/endpoint.ts");
    const paths = [container.livenessProbe, container.readinessProbe].map(({ httpGet }) => httpGet.path);
    for (const path of [...paths, spec.template.metadata.annotations["prometheus.io/path"]])
      expect(endpoint).toContain(`app.get("${path}"`);
  });

  it("takes the store's address and the key from a secret, into variables that are read", () => {
    const secrets = container.env
      .filter(({ valueFrom }) => "secretKeyRef" in valueFrom)
      .map(({ name }) => name);
    expect(secrets).toEqual(["DRAMATIS_STORE", "OPENAI_API_KEY"]);
    expect(secrets.filter((name) => !isRead(name))).toEqual([]);
    const used = [...container.args.join(" ").matchAll(/\$\((\w+)\)/g)].map(([, name]) => name);
    const names = container.env.map(({ name }) => name);
    expect(used.filter((name) => !names.includes(name ?? ""))).toEqual([]);
  });

  it("scales what it deploys, by a figure that workers have", () => {
    expect(autoscaler.parse(second).spec.scaleTargetRef).toMatchObject({
      kind: "Deployment",
      name: metadata.name,
    });
    const text = read("deploy/kubernetes.yaml");
    const figures = new Set(
      [...text.matchAll(/max\((dramatis_\w+)\{/g), ...text.matchAll(/^# (dramatis_\w+_seconds)/gm)].map(
        ([, name]) => name ?? "",
      ),
    );
    expect(figures.size).toBeGreaterThan(0);
    for (const figure of figures) expect(read("src/fleet/metrics.ts")).toContain(`"${figure}"`);
  });
});

it("would notice a flag that there is not", () => {
  expect(() => parseWorker(["worker", "--threads", "4"])).toThrow();
  expect(() => parseWorker(["worker", "--concurrency", "many"])).toThrow(CommanderError);
});

it("names the queue's dashboard with the schema that the queue has", () => {
  const schema = /SCHEMA = "(\w+)"/.exec(read("src/fleet/jobs.ts"))?.[1];
  for (const file of ["deploy/compose.yaml", "deploy/kubernetes.yaml"])
    expect(read(file)).toContain(`PGBOSS_SCHEMA=${schema}`);
});
