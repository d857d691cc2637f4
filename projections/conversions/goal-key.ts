/** A goal together with the key of a session's cell. Equal ones are mostly the same object. */
export interface GoalKey {
  readonly goalId: string;
  readonly of: unknown;
}

/** Remembered; the keys of a batch are few. */
const keysMax = 10_000;
const known = new Map<string, Map<unknown, GoalKey>>();
let count = 0;

export function goalKeyOf(goalId: string, of: unknown): GoalKey {
  let byKey = known.get(goalId);
  if (byKey === undefined) known.set(goalId, (byKey = new Map()));
  let key = byKey.get(of);
  if (key === undefined) {
    if (++count > keysMax) {
      known.clear();
      known.set(goalId, (byKey = new Map()));
      count = 1;
    }
    byKey.set(of, (key = { goalId, of }));
  }
  return key;
}
