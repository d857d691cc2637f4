import type { History, HistoryProjection } from '../../projections/kit/history';

interface Arrivals {
  first: number;
  count: number;
  /** Of the events' positions in the log, modulo 1,000. */
  sum: number;
  told: Omit<Arrivals, 'told'> | undefined;
}
interface Told {
  first: number;
  count: number;
  sum: number;
  by: 1 | -1;
}

/** How often each visitor was there, restated with every event: wrong as soon as one is forgotten or an event is folded twice. */
const arrivalsHistory: History<Arrivals, Told> = {
  name: 'arrivals',
  create: () => ({ first: Infinity, count: 0, sum: 0, told: undefined }),
  clear(state) {
    state.first = Infinity;
    state.count = state.sum = 0;
    state.told = undefined;
  },
  add(state, event) {
    state.first = Math.min(state.first, event.time);
    state.count++;
    state.sum = (state.sum + event.position) % 1_000;
  },
  settle(state, _visitor, emit) {
    if (state.told !== undefined) emit({ ...state.told, by: -1 });
    const { first, count, sum } = state;
    state.told = { first, count, sum };
    emit({ first, count, sum, by: 1 });
  },
  write({ first, count, sum }, out) {
    out.f64(first);
    out.varint(count);
    out.varint(sum);
  },
  read(from, state) {
    const told = { first: from.f64(), count: from.varint(), sum: from.varint() };
    Object.assign(state, told, { told });
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
  tell({ first, count, sum, by }, _visitor, cells) {
    const total = cells.at(0, first, '');
    cells.count(0, total, 0, by * count);
    cells.pay(0, total, 0, 'EUR', by * sum);
    const times = cells.at(1, first, String(count));
    cells.count(1, times, 0, by);
    cells.member(1, times, 0, by);
    const day = cells.onDay(2, Math.floor(first / 86_400_000), String(count % 2));
    cells.count(2, day, 0, by);
    cells.member(2, day, 0, by);
  },
};
