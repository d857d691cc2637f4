import { bySession } from '../acquisition/by-session';
import type { FamilyCells, HistoryFamily, HistoryProjection, VisitorOf } from '../kit/history';
import { visits } from '../sessions/history';
import type { SessionFacts } from '../sessions/session-facts';
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
  version: 1,
  history: visits,
  families,
  tell({ was, is }, visitor, cells) {
    if (was?.completed === undefined && is?.completed === undefined) return;
    for (let family = 0; family < bySession.length; family++) {
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
