import { type Definitions, type Filter, type Funnel, type FunnelStep, type Goal, hasCondition, type Match, matchOf } from './definitions';
import type { DefinitionEvent } from './merchant-events';
import { merchantLimits } from './merchant-settings';
import { patternRules } from './patterns';
import { unreachable } from './unreachable';

/** Null takes a condition away. */
export type GoalChanges = { readonly name?: string } & { readonly [C in keyof Match]: Match[C] | null };
export type FunnelChanges = Partial<Omit<Funnel, 'funnelId'>>;
export type FilterChanges = Partial<Omit<Filter, 'filterId'>>;

/** Orders that change what a merchant defined. `now` is epoch ms. */
export type DefinitionCommand =
  | { kind: 'add-goal'; goal: Goal; now: number }
  | { kind: 'change-goal'; goalId: string; changes: GoalChanges; now: number }
  | { kind: 'remove-goal'; goalId: string; now: number }
  | { kind: 'add-funnel'; funnel: Funnel; now: number }
  | { kind: 'change-funnel'; funnelId: string; changes: FunnelChanges; now: number }
  | { kind: 'remove-funnel'; funnelId: string; now: number }
  | { kind: 'add-filter'; filter: Filter; now: number }
  | { kind: 'change-filter'; filterId: string; changes: FilterChanges; now: number }
  | { kind: 'remove-filter'; filterId: string; now: number }
  /** `visitor` is the id as stored with events. Cannot be taken back. */
  | { kind: 'erase-visitor'; visitor: string; now: number };

export type DefinitionKind = 'goal' | 'funnel' | 'filter';

export type DefinitionRefusal =
  | { readonly reason: 'definition-exists'; readonly kind: DefinitionKind; readonly id: string }
  | { readonly reason: 'definition-unknown'; readonly kind: DefinitionKind; readonly id: string }
  | { readonly reason: 'too-many-definitions'; readonly kind: DefinitionKind; readonly max: number }
  | { readonly reason: 'too-many-erased-visitors'; readonly max: number }
  /** An event completes a goal or takes a step by what is asked of it. `step` from 0, of a funnel. */
  | { readonly reason: 'no-condition'; readonly step?: number }
  | { readonly reason: 'pattern-invalid'; readonly pattern: string; readonly allowed: string };

type Decided =
  { readonly ok: true; readonly events: readonly DefinitionEvent[] } | { readonly ok: false; readonly refusal: DefinitionRefusal };

export function evolveDefinitions(definitions: Definitions, event: DefinitionEvent): Definitions {
  const { goals, funnels, filters } = definitions;
  switch (event.type) {
    case 'sessions-end-changed.v1':
      return { ...definitions, sessionsEndAtMidnight: event.data.sessionsEndAtMidnight };
    case 'goal-added.v1':
      return { ...definitions, goals: [...goals, event.data.goal] };
    case 'goal-changed.v1': {
      const { goal } = event.data;
      return { ...definitions, goals: goals.map((g) => (g.goalId === goal.goalId ? goal : g)) };
    }
    case 'goal-removed.v1':
      return { ...definitions, goals: goals.filter(({ goalId }) => goalId !== event.data.goalId) };
    case 'funnel-added.v1':
      return { ...definitions, funnels: [...funnels, event.data.funnel] };
    case 'funnel-changed.v1': {
      const { funnel } = event.data;
      return { ...definitions, funnels: funnels.map((f) => (f.funnelId === funnel.funnelId ? funnel : f)) };
    }
    case 'funnel-removed.v1':
      return { ...definitions, funnels: funnels.filter(({ funnelId }) => funnelId !== event.data.funnelId) };
    case 'filter-added.v1':
      return { ...definitions, filters: [...filters, event.data.filter] };
    case 'filter-changed.v1': {
      const { filter } = event.data;
      return { ...definitions, filters: filters.map((f) => (f.filterId === filter.filterId ? filter : f)) };
    }
    case 'filter-removed.v1':
      return { ...definitions, filters: filters.filter(({ filterId }) => filterId !== event.data.filterId) };
    case 'visitor-erased.v1':
      return { ...definitions, erasedVisitors: [...definitions.erasedVisitors, event.data.visitor] };
    default:
      return unreachable(event);
  }
}

export function decideDefinition(command: DefinitionCommand, definitions: Definitions): Decided {
  const { goals, funnels, filters, erasedVisitors } = definitions;
  const at = command.now;
  switch (command.kind) {
    case 'add-goal':
      return add(goalRules, goals, goalOf(command.goal), at);
    case 'change-goal':
      return change(goalRules, goals, command.goalId, (goal) => goalOf(withChanges(goal, command.changes)), at);
    case 'remove-goal':
      return remove(goalRules, goals, command.goalId, at);
    case 'add-funnel':
      return add(funnelRules, funnels, funnelOf(command.funnel), at);
    case 'change-funnel':
      return change(funnelRules, funnels, command.funnelId, (funnel) => funnelOf({ ...funnel, ...given(command.changes) }), at);
    case 'remove-funnel':
      return remove(funnelRules, funnels, command.funnelId, at);
    case 'add-filter':
      return add(filterRules, filters, filterOf(command.filter), at);
    case 'change-filter':
      return change(filterRules, filters, command.filterId, (filter) => filterOf({ ...filter, ...given(command.changes) }), at);
    case 'remove-filter':
      return remove(filterRules, filters, command.filterId, at);
    case 'erase-visitor': {
      const { visitor } = command;
      if (erasedVisitors.includes(visitor)) return accept();
      const max = merchantLimits.erasedVisitorsMax;
      if (erasedVisitors.length >= max) return refuse({ reason: 'too-many-erased-visitors', max });
      return accept({ type: 'visitor-erased.v1', data: { visitor, at } });
    }
    default:
      return unreachable(command);
  }
}

/** What goals, funnels and filters are told apart by; how they are added, changed and removed is the same. */
interface Rules<T> {
  readonly kind: DefinitionKind;
  readonly max: number;
  idOf(definition: T): string;
  refusalOf(definition: T): DefinitionRefusal | undefined;
  added(definition: T, at: number): DefinitionEvent;
  changed(definition: T, at: number): DefinitionEvent;
  removed(id: string, at: number): DefinitionEvent;
}

const goalRules: Rules<Goal> = {
  kind: 'goal',
  max: merchantLimits.goalsMax,
  idOf: ({ goalId }) => goalId,
  refusalOf: (goal) => (hasCondition(goal) ? undefined : { reason: 'no-condition' }),
  added: (goal, at) => ({ type: 'goal-added.v1', data: { goal, at } }),
  changed: (goal, at) => ({ type: 'goal-changed.v1', data: { goal, at } }),
  removed: (goalId, at) => ({ type: 'goal-removed.v1', data: { goalId, at } }),
};

const funnelRules: Rules<Funnel> = {
  kind: 'funnel',
  max: merchantLimits.funnelsMax,
  idOf: ({ funnelId }) => funnelId,
  refusalOf: ({ steps }) => {
    const step = steps.findIndex((match) => !hasCondition(match));
    return step === -1 ? undefined : { reason: 'no-condition', step };
  },
  added: (funnel, at) => ({ type: 'funnel-added.v1', data: { funnel, at } }),
  changed: (funnel, at) => ({ type: 'funnel-changed.v1', data: { funnel, at } }),
  removed: (funnelId, at) => ({ type: 'funnel-removed.v1', data: { funnelId, at } }),
};

const filterRules: Rules<Filter> = {
  kind: 'filter',
  max: merchantLimits.filtersMax,
  idOf: ({ filterId }) => filterId,
  refusalOf: ({ field, pattern }) => {
    const { holds, allowed } = patternRules[field];
    return holds(pattern) ? undefined : { reason: 'pattern-invalid', pattern, allowed };
  },
  added: (filter, at) => ({ type: 'filter-added.v1', data: { filter, at } }),
  changed: (filter, at) => ({ type: 'filter-changed.v1', data: { filter, at } }),
  removed: (filterId, at) => ({ type: 'filter-removed.v1', data: { filterId, at } }),
};

/** Adding what is there already, equal in all, was carried out before. */
function add<T>(rules: Rules<T>, present: readonly T[], wanted: T, at: number): Decided {
  const { kind, max } = rules;
  const refusal = rules.refusalOf(wanted);
  if (refusal !== undefined) return refuse(refusal);
  const id = rules.idOf(wanted);
  const known = present.find((definition) => rules.idOf(definition) === id);
  if (known !== undefined) return isSame(known, wanted) ? accept() : refuse({ reason: 'definition-exists', kind, id });
  if (present.length >= max) return refuse({ reason: 'too-many-definitions', kind, max });
  return accept(rules.added(wanted, at));
}

function change<T>(rules: Rules<T>, present: readonly T[], id: string, changed: (known: T) => T, at: number): Decided {
  const known = present.find((definition) => rules.idOf(definition) === id);
  if (known === undefined) return refuse({ reason: 'definition-unknown', kind: rules.kind, id });
  const wanted = changed(known);
  const refusal = rules.refusalOf(wanted);
  if (refusal !== undefined) return refuse(refusal);
  return isSame(known, wanted) ? accept() : accept(rules.changed(wanted, at));
}

function remove<T>(rules: Rules<T>, present: readonly T[], id: string, at: number): Decided {
  const isThere = present.some((definition) => rules.idOf(definition) === id);
  return isThere ? accept(rules.removed(id, at)) : refuse({ reason: 'definition-unknown', kind: rules.kind, id });
}

// Built anew, each with its fields in one order and nothing else in it: equal definitions are equal as JSON.
const goalOf = ({ goalId, name, ...match }: Goal): Goal => ({ goalId, name, ...matchOf(match) });
const funnelOf = ({ funnelId, name, steps, open, windowSeconds }: Funnel): Funnel => ({
  funnelId,
  name,
  steps: steps.map((step): FunnelStep => ({ name: step.name, ...matchOf(step) })),
  open,
  windowSeconds,
});
const filterOf = ({ filterId, name, field, pattern }: Filter): Filter => ({
  filterId,
  name,
  field,
  pattern: field === 'hostname' ? pattern.toLowerCase() : pattern,
});
const isSame = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

/** What is left out stays as it is, whether its field is missing or undefined. */
const given = <T extends object>(changes: T): T =>
  Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined)) as T;

const withChanges = (goal: Goal, { name = goal.name, event, page, hostname, properties }: GoalChanges): Goal => ({
  goalId: goal.goalId,
  name,
  event: changed(event, goal.event),
  page: changed(page, goal.page),
  hostname: changed(hostname, goal.hostname),
  properties: changed(properties, goal.properties),
});
const changed = <V>(given: V | null | undefined, known: V | undefined): V | undefined =>
  given === undefined ? known : (given ?? undefined);

const accept = (...events: DefinitionEvent[]): Decided => ({ ok: true, events });
const refuse = (refusal: DefinitionRefusal): Decided => ({ ok: false, refusal });
