import { goalMetrics, metrics, type MetricDefinition } from '../../projections/metrics';
import { refused, type Refused } from './refusal';

/** Metrics of one request, in the order asked for. */
export interface MetricList {
  readonly names: readonly string[];
  readonly definitions: readonly MetricDefinition[];
}

const metricsMax = 20;
const goalKinds = Object.keys(goalMetrics);
export const metricNames: readonly string[] = [...Object.keys(metrics), ...goalKinds.map((kind) => `${kind}:<id>`)];

/** Reads the comma-separated `metrics` of a request. */
export function readMetrics(text: string, goals: readonly { readonly goalId: string }[]): MetricList | Refused {
  const names = text.split(',').map((name) => name.trim());
  if (names.length > metricsMax) return refused('metrics', `at most ${metricsMax} at a time`);
  const definitions: MetricDefinition[] = [];
  for (const [i, name] of names.entries()) {
    const definition = definitionOf(name, goals);
    if ('unanswered' in definition) return definition;
    if (names.indexOf(name) !== i) return refused('metrics', `'${name}' is asked for twice`);
    definitions.push(definition);
  }
  return { names, definitions };
}

function definitionOf(name: string, goals: readonly { readonly goalId: string }[]): MetricDefinition | Refused {
  if (Object.hasOwn(metrics, name)) return metrics[name]!;
  const colon = name.indexOf(':');
  const kind = name.slice(0, Math.max(colon, 0));
  if (!Object.hasOwn(goalMetrics, kind))
    return refused('metrics', `'${name.slice(0, 64)}' is unknown; allowed are ${metricNames.join(', ')}`);
  const goalId = name.slice(colon + 1);
  if (goals.some((goal) => goal.goalId === goalId)) return goalMetrics[kind]!(goalId);
  const known = goals.length === 0 ? 'the merchant has none' : `there are ${goals.map((goal) => goal.goalId).join(', ')}`;
  return refused('metrics', `there is no goal '${goalId.slice(0, 64)}'; ${known}`);
}

/** By name alone: whichever goal it is of. */
export const isMoneyMetric = (name: string): boolean => (metrics[name] ?? goalMetrics[name.split(':')[0]!]?.(''))?.shown === 'money';
