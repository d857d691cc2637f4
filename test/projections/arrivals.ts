import type { History, HistoryProjection } from '../../projections/kit/history';

interface Arrivals {
  first: number;
  /** Positions in the log: whoever forgets a visitor counts too few, whoever folds an event twice too many. */
  positions: number[];
  told: { first: number; count: number } | undefined;
}
interface Told {
  at: number;
  count: number;
  by: 1 | -1;
}

/** How often each visitor was there, restated with every event: wrong as soon as anything of a visitor is forgotten. */
export const arrivalsHistory: History<Arrivals, Told> = {
  name: 'arrivals',
  create: () => ({ first: Infinity, positions: [], told: undefined }),
  add(state, event) {
    state.first = Math.min(state.first, event.time);
    state.positions.push(event.position);
  },
  settle(state, _visitor, emit) {
    if (state.told !== undefined) emit({ at: state.told.first, count: state.told.count, by: -1 });
    state.told = { first: state.first, count: new Set(state.positions).size };
    emit({ at: state.told.first, count: state.told.count, by: 1 });
  },
  write({ first, positions }, out) {
    out.f64(first);
    for (const position of positions) out.varint(position);
  },
  read(from) {
    const first = from.f64();
    const positions: number[] = [];
    while (from.remaining > 0) positions.push(from.varint());
    return { first, positions, told: { first, count: positions.length } };
  },
};

/** Visitors by the number of their events, where the first of these lies; and who they are, by the hour and by the day. */
export const arrivals: HistoryProjection<Told> = {
  kind: 'history',
  name: 'arrivals',
  version: 1,
  history: arrivalsHistory,
  families: [
    { dimension: '', base: 'minute', counters: ['visits'], members: [], money: ['paid'] },
    { dimension: 'times', base: 'quarter', counters: ['visitors'], members: ['who'], money: [] },
    { dimension: 'days', base: 'day', counters: ['visitors'], members: ['who'], money: [] },
  ],
  tell({ at, count, by }, _visitor, cells) {
    const total = cells.at(0, at, '');
    cells.count(0, total, 0, by * count);
    cells.pay(0, total, 0, 'EUR', by * count * 100);
    const times = cells.at(1, at, String(count));
    cells.count(1, times, 0, by);
    cells.member(1, times, 0, by);
    const day = cells.onDay(2, Math.floor(at / 86_400_000), String(count % 2));
    cells.count(2, day, 0, by);
    cells.member(2, day, 0, by);
  },
};
