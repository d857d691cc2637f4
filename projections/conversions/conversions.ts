import { bySession } from '../acquisition/by-session';
import type { FamilyCells, HistoryFamily, HistoryProjection, VisitorOf } from '../kit/history';
import { visits } from '../sessions/history';
import type { Amount, GoalTotals, SessionFacts } from '../sessions/session-facts';
import type { SessionChange } from '../sessions/visits';
import { goalKeyOf, type GoalKey } from './goal-key';

const completions = 0;
const completers = 0;
const value = 0;

/** Dimension values are `${goalId}|${value}`. */
const families: readonly HistoryFamily[] = bySession.map(({ base, dimension }) => ({
  base,
  dimension:
    typeof dimension === 'string'
      ? { [dimension]: ({ goalId, of }: GoalKey) => `${goalId}|${of as string}` }
      : Object.fromEntries(
          Object.entries(dimension).map(([name, valueOf]) => [name, ({ goalId, of }: GoalKey) => `${goalId}|${valueOf(of)}`]),
        ),
  counters: ['completions'],
  members: ['completers'],
  money: ['value'],
}));

/** Which goals sessions complete, by what only sessions have; by all else, see goals. */
export const conversions: HistoryProjection<SessionChange> = {
  kind: 'history',
  name: 'conversions',
  version: 3,
  history: visits,
  families,
  tell({ was, is }, visitor, cells) {
    if (was?.completed === undefined && is?.completed === undefined) return;
    const isWhereItWas = was !== undefined && is !== undefined && was.start === is.start && haveSameCompletions(was, is);
    for (let family = 0; family < bySession.length; family++) {
      const { keyOf } = bySession[family]!;
      // Most of what sessions go on with completes nothing more.
      if (isWhereItWas && keyOf(was) === keyOf(is)) continue;
      if (was !== undefined) tellSession(was, family, visitor, cells, -1);
      if (is !== undefined) tellSession(is, family, visitor, cells, 1);
    }
  },
};

function tellSession(session: SessionFacts, family: number, { settings }: VisitorOf, cells: FamilyCells, by: 1 | -1): void {
  for (const { goal, count, values } of session.completed ?? []) {
    const { goalId } = settings.definitions!.goals[goal]!;
    const cell = cells.at(family, session.start, goalKeyOf(goalId, bySession[family]!.keyOf(session)));
    cells.count(family, cell, completions, by * count);
    cells.member(family, cell, completers, by);
    for (const { currency, minorUnits } of values) cells.pay(family, cell, value, currency, by * minorUnits);
  }
}

/** In the same order: goals that changed places are told again, which adds up to the same. */
function haveSameCompletions({ completed: a = [] }: SessionFacts, { completed: b = [] }: SessionFacts): boolean {
  return a.length === b.length && a.every((one, i) => isSameTotal(one, b[i]!));
}

const isSameTotal = (a: GoalTotals, b: GoalTotals): boolean =>
  a.goal === b.goal &&
  a.count === b.count &&
  a.values.length === b.values.length &&
  a.values.every((one, i) => isSameAmount(one, b.values[i]!));

const isSameAmount = (a: Amount, b: Amount): boolean => a.currency === b.currency && a.minorUnits === b.minorUnits;
