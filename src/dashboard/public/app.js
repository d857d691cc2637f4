// Who is asking, what is shown, and when it is asked for again.

import { Refused, Reports } from './api.js';
import { clockTime, conversionNote, dayIn, seconds, timeIn } from './format.js';
import { funnelsPanel, goalsPanel, retentionPanel } from './journeys.js';
import { drawChart } from './over-time.js';
import { at, cardMetrics, drawCards, element, quiet, segments } from './panels.js';
import { drawNow, liveMetrics } from './right-now.js';
import { drawGroup, groups, question } from './tables.js';

/** Numbers are asked for again this often; sooner when the live stream says that they changed. */
const refreshMs = 15_000;
const refreshAfterFrameMs = 3_000;
const storageKey = 'recount';

const ranges = [
  { value: 'today', label: 'Today', days: 1, intervals: ['hour'] },
  { value: '7', label: '7 days', days: 7, intervals: ['day', 'hour'] },
  { value: '30', label: '30 days', days: 30, intervals: ['day', 'hour', 'week'] },
  { value: '90', label: '90 days', days: 90, intervals: ['week', 'day'] },
  { value: '365', label: '12 months', days: 365, intervals: ['month', 'week', 'day'] },
];

const state = {
  reports: undefined,
  merchant: '',
  timezone: 'UTC',
  range: '30',
  interval: 'day',
  metric: 'visitors',
  /** Of each group of tables the dimension shown. */
  tabs: groups.map(({ tabs }) => tabs[0].dimension),
  funnel: undefined,
  report: undefined,
  before: undefined,
  now: undefined,
};
let session = new AbortController();
let loading = new AbortController();
let refreshTimer;

// Signing in

function credentials() {
  const fragment = new URLSearchParams(location.hash.slice(1));
  if (fragment.has('merchant') && fragment.has('token')) {
    const given = { merchant: fragment.get('merchant'), token: fragment.get('token') };
    // The token shall not stay in the address bar, nor in the history.
    history.replaceState(null, '', location.pathname);
    return given;
  }
  return JSON.parse(sessionStorage.getItem(storageKey) ?? 'null');
}

function askForToken(problem = '') {
  session.abort();
  clearTimeout(refreshTimer);
  at('report').hidden = true;
  at('sign-in').hidden = false;
  at('sign-in-problem').textContent = problem;
  at(at('merchant').value === '' ? 'merchant' : 'token').focus();
}

async function signIn({ merchant, token }) {
  session.abort();
  session = new AbortController();
  state.reports = new Reports(merchant, token);
  state.merchant = merchant;
  at('merchant').value = merchant;
  try {
    const now = await state.reports.realtime({ metrics: liveMetrics.join() }, session.signal);
    state.timezone = now.timezone;
    sessionStorage.setItem(storageKey, JSON.stringify({ merchant, token }));
    at('sign-in').hidden = true;
    at('report').hidden = false;
    at('merchant-name').textContent = merchant;
    document.title = `${merchant} · Recount`;
    drawNow(now);
    void listen(session.signal);
    await load();
  } catch (error) {
    if (error.name === 'AbortError') return;
    sessionStorage.removeItem(storageKey);
    askForToken(error instanceof Refused ? error.message : 'The server could not be reached.');
  }
}

// The report

/** The days shown, which end with today, and as many before them up to this time of day: what is compared is equally long. */
function spans() {
  const { days } = ranges.find(({ value }) => value === state.range);
  const now = Date.now();
  const day = (back) => dayIn(state.timezone, now, -back);
  const shown = { from: day(days - 1), to: day(0) };
  const time = timeIn(state.timezone, now);
  // In the first minute of a day there would be nothing to compare: then it is with the whole day.
  const before = { from: day(2 * days - 1), to: time === '00:00' ? day(days) : `${day(days)}T${time}` };
  return { shown, before };
}

/** Asks for everything shown; an answer to an older question is dropped. */
async function load() {
  clearTimeout(refreshTimer);
  loading.abort();
  loading = new AbortController();
  const { signal } = loading;
  const { shown: span, before } = spans();
  at('report').classList.add('loading');
  try {
    const series = { ...span, metrics: cardMetrics.join(), interval: state.interval, compare: 'previous_period' };
    const [report, then] = await Promise.all([
      state.reports.timeseries(series, signal),
      state.reports.timeseries({ ...before, metrics: cardMetrics.join(), interval: 'month' }, signal),
      ...groups.map((_, i) => loadGroup(i, span, signal)),
      loadJourneys(span, signal),
    ]);
    if (signal.aborted) return;
    state.report = report;
    state.before = then.totals;
    draw();
    tell('');
  } catch (error) {
    if (error.name === 'AbortError') return;
    if (error.status === 401 || error.status === 403) return askForToken(error.message);
    tell(error instanceof Refused ? error.message : 'The server cannot be reached at the moment; the numbers below stand still.');
  } finally {
    if (!signal.aborted) {
      at('report').classList.remove('loading');
      refreshTimer = setTimeout(refresh, refreshMs);
    }
  }
}

/** What was not counted yet, or cannot be, is said in its own panel: the others are shown all the same. */
async function orRefused(asked) {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof Refused && error.status !== 401 && error.status !== 403) return error;
    throw error;
  }
}

async function loadGroup(i, span, signal) {
  const group = groups[i];
  const tab = group.tabs.find(({ dimension }) => dimension === state.tabs[i]);
  const answer = await orRefused(state.reports.breakdown({ ...span, ...question(tab) }, signal));
  if (signal.aborted) return;
  const drawn = drawGroup(group, tab, answer, (dimension) => {
    state.tabs[i] = dimension;
    void again(loadGroup(i, span, signal));
  });
  place(at('tables'), i, drawn);
}

async function loadJourneys(span, signal) {
  const chooseFunnel = (funnelId) => {
    state.funnel = funnelId;
    void again(loadJourneys(span, signal));
  };
  const drawn = await Promise.all([
    orRefused(goalsPanel(state.reports, span, signal)),
    orRefused(funnelsPanel(state.reports, span, state.funnel, chooseFunnel, signal)),
    orRefused(retentionPanel(state.reports, state.timezone, signal)),
  ]);
  if (signal.aborted) return;
  at('journeys').replaceChildren(...drawn.filter((each) => each !== undefined && !(each instanceof Error)));
}

/** A panel at its place among others, whichever was answered first. The button that was pressed keeps the focus. */
function place(box, i, drawn) {
  while (box.children.length <= i) box.append(element('section', { className: 'panel' }, quiet('…')));
  const before = box.children[i];
  const focused = before.contains(document.activeElement) ? document.activeElement.textContent : undefined;
  before.replaceWith(drawn);
  if (focused !== undefined) [...drawn.querySelectorAll('button')].find((button) => button.textContent === focused)?.focus();
}

/** Part of the page asked for anew: if that fails, the next refresh says why. */
async function again(asked) {
  try {
    await asked;
  } catch (error) {
    if (error.name !== 'AbortError') tell(error.message);
  }
}

function refresh() {
  if (document.hidden || session.signal.aborted) return;
  void load();
}

function tell(problem) {
  at('problem').textContent = problem;
  at('problem').hidden = problem === '';
}

function draw() {
  const { report } = state;
  const now = Date.now();
  const shown = report.rows.filter((row) => Date.parse(row.time) <= now).length;
  const ended = report.rows.filter((_row, i) => Date.parse(report.rows[i + 1]?.time ?? report.to) <= now).length;
  drawCards(at('cards'), report, state.before, Math.max(ended, 2), state.metric, (metric) => {
    state.metric = metric;
    draw();
  });
  segments(at('ranges'), ranges, state.range, chooseRange);
  const intervals = ranges.find(({ value }) => value === state.range).intervals;
  const choices = intervals.map((value) => ({ value, label: value.charAt(0).toUpperCase() + value.slice(1) }));
  segments(at('intervals'), choices, state.interval, (interval) => {
    state.interval = interval;
    void load();
  });
  drawChart(report, state.metric, shown, ended);
  drawFreshness(report.meta);
  at('counted-by').textContent = countedBy(report.meta);
}

function chooseRange(range) {
  state.range = range;
  state.interval = ranges.find(({ value }) => value === range).intervals[0];
  void load();
}

function drawFreshness({ asOf, lagSeconds }) {
  const box = at('freshness');
  box.className = asOf === null ? 'freshness unknown' : lagSeconds > 60 ? 'freshness behind' : 'freshness';
  box.textContent =
    asOf === null ? 'nothing counted yet' : `counted up to ${clockTime(asOf, state.timezone)}, ${seconds(lagSeconds)} behind`;
}

function countedBy({ projection, version, projections, exact, error, conversion }) {
  const versions = (projections ?? [{ name: projection, version }]).map((one) => `${one.name} ${one.version}`).join(', ');
  const precision = exact
    ? 'All numbers are exact.'
    : `Large numbers of visitors are estimated (standard error ${(error * 100).toFixed(2)}%); all else is exact.`;
  return `${precision} Counted by ${versions}. Days are those of ${state.timezone}. Known bots are left out. ${conversionNote(conversion)}`;
}

// Right now

async function listen(signal) {
  let waitMs = 1_000;
  while (!signal.aborted) {
    try {
      for await (const now of state.reports.live({ metrics: liveMetrics.join() }, signal)) {
        waitMs = 1_000;
        state.now = now;
        drawNow(now);
        clearTimeout(refreshTimer);
        refreshTimer = setTimeout(refresh, refreshAfterFrameMs);
      }
    } catch (error) {
      if (signal.aborted) return;
      if (error.status === 401 || error.status === 403) return askForToken(error.message);
    }
    await new Promise((resolve) => setTimeout(resolve, waitMs));
    waitMs = Math.min(waitMs * 2, 30_000);
  }
}

// Wiring

at('sign-in-form').addEventListener('submit', (event) => {
  event.preventDefault();
  at('sign-in-problem').textContent = '';
  void signIn({ merchant: at('merchant').value.trim(), token: at('token').value.trim() });
});
at('sign-out').addEventListener('click', () => {
  sessionStorage.removeItem(storageKey);
  at('token').value = '';
  askForToken();
});
document.addEventListener('visibilitychange', refresh);
addEventListener('hashchange', start);
new ResizeObserver(() => {
  if (state.report !== undefined && !at('report').hidden) draw();
  if (state.now !== undefined && !at('report').hidden) drawNow(state.now);
}).observe(at('report'));

function start() {
  const known = credentials();
  if (known === null) askForToken();
  else void signIn(known);
}
start();
