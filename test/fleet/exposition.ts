/**
 * Reads Prometheus' text exposition format, version 0.0.4, and refuses whatever that or the naming conventions do not allow:
 * https://prometheus.io/docs/instrumenting/exposition_formats/ and https://prometheus.io/docs/practices/naming/
 */
export interface Metric {
  type: "counter" | "gauge" | "histogram" | "summary" | "untyped";
  help: string;
  samples: { name: string; labels: Record<string, string>; value: number }[];
}

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"(,?)/y;
const NUMBER = /^(?:[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?|[+-]Inf|NaN)$/;

const fail = (line: string, why: string): never => {
  throw new Error(`${why}: ${JSON.stringify(line)}`);
};

function numberOf(text: string, line: string): number {
  if (!NUMBER.test(text)) fail(line, "no number");
  return Number(text.replace("Inf", "Infinity"));
}

function labelsOf(text: string, line: string): Record<string, string> {
  const labels: Record<string, string> = {};
  LABEL.lastIndex = 0;
  while (LABEL.lastIndex < text.length) {
    const [, name = "", value = "", comma] = LABEL.exec(text) ?? fail(line, "no label");
    if (name in labels) fail(line, "a label twice");
    labels[name] = value.replaceAll(/\\(.)/g, (_, escaped) => (escaped === "n" ? "\n" : escaped));
    if (comma === "" && LABEL.lastIndex < text.length) fail(line, "no comma between labels");
  }
  return labels;
}

/** The metric a sample belongs to. */
const familyOf = (name: string, metric: string, type: Metric["type"]) =>
  name === metric ||
  (type === "histogram" && [`${metric}_bucket`, `${metric}_sum`, `${metric}_count`].includes(name));

function checkHistogram(name: string, { samples }: Metric): void {
  const series = new Map<string, { buckets: [number, number][]; count?: number; sum?: number }>();
  for (const sample of samples) {
    const { le, ...rest } = sample.labels;
    const key = JSON.stringify(Object.entries(rest).sort());
    const one = series.get(key) ?? { buckets: [] };
    series.set(key, one);
    if (sample.name === `${name}_bucket`) one.buckets.push([numberOf(le ?? "", name), sample.value]);
    else if (sample.name === `${name}_count`) one.count = sample.value;
    else if (sample.name === `${name}_sum`) one.sum = sample.value;
    else fail(sample.name, "no part of a histogram");
  }
  for (const { buckets, count, sum } of series.values()) {
    const isRising = buckets.every(
      ([le, value], index) =>
        index === 0 || (le > (buckets[index - 1]?.[0] ?? 0) && value >= (buckets[index - 1]?.[1] ?? 0)),
    );
    const [last, all] = buckets.at(-1) ?? fail(name, "no buckets");
    if (!isRising || last !== Number.POSITIVE_INFINITY || all !== count || sum === undefined)
      fail(name, "a histogram whose parts disagree");
  }
}

/** Whole numbers never go back; base units; nothing that the type says already. */
function checkName(name: string, { type, samples }: Metric): void {
  if ((type === "counter") !== name.endsWith("_total")) fail(name, "counters, and they alone, end in _total");
  if (type === "counter" && samples.some(({ value }) => value < 0)) fail(name, "a counter below 0");
  if (/_(milliseconds|ms|minutes|kilobytes|gauge|counter|histogram)(_|$)/.test(name))
    fail(name, "no base unit");
}

/** @throws Error that names the first line that is wrong */
export function parseExposition(text: string): Map<string, Metric> {
  if (!text.endsWith("\n")) throw new Error("the last line does not end");
  const metrics = new Map<string, Metric>();
  const seen = new Set<string>();
  let current: { name: string; metric: Metric; hasType: boolean } | undefined;
  for (const line of text.split("\n")) {
    if (line === "") continue;
    const [, kind, named = "", rest = ""] = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line) ?? [];
    if (kind === "HELP") {
      if (!NAME.test(named) || metrics.has(named)) fail(line, "no name, or a metric twice");
      const metric: Metric = { type: "untyped", help: rest, samples: [] };
      metrics.set(named, metric);
      current = { name: named, metric, hasType: false };
      continue;
    }
    if (kind === "TYPE") {
      if (current?.name !== named || current.hasType || current.metric.samples.length > 0)
        fail(line, "a type where none belongs");
      else if (!["counter", "gauge", "histogram", "summary"].includes(rest)) fail(line, "no type");
      else {
        current.metric.type = rest as Metric["type"];
        current.hasType = true;
      }
      continue;
    }
    if (line.startsWith("#")) continue;
    const [, name = "", labels = "", value = ""] =
      /^([^\s{]+)(?:\{(.*)\})? (\S+)(?: -?\d+)?$/.exec(line) ?? fail(line, "no sample");
    if (!NAME.test(name)) fail(line, "no name");
    if (current === undefined || !familyOf(name, current.name, current.metric.type))
      fail(line, "a sample outside its metric");
    const sample = { name, labels: labelsOf(labels, line), value: numberOf(value, line) };
    const key = `${name} ${JSON.stringify(Object.entries(sample.labels).sort())}`;
    if (seen.has(key)) fail(line, "a sample twice");
    seen.add(key);
    current?.metric.samples.push(sample);
  }
  for (const [name, metric] of metrics) {
    if (metric.type === "histogram") checkHistogram(name, metric);
    if (name.startsWith("dramatis_")) checkName(name, metric);
  }
  return metrics;
}
