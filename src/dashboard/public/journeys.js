// What merchants define and what takes longer than a visit: goals, funnels, and who comes back.

import { count, dayIn, duration, metrics, percent } from './format.js';
import { bar, element, panel, quiet, segments, table } from './panels.js';

const weeksShown = 8;
/** Three metrics a goal, and a question may ask for twenty. */
const goalsPerQuestion = 6;
const goalsShown = 24;

/** Undefined where there are none. */
export async function goalsPanel(reports, span, signal) {
  const goals = (await defined(reports, 'goals', signal)).slice(0, goalsShown);
  if (goals.length === 0) return undefined;
  const parts = [];
  for (let i = 0; i < goals.length; i += goalsPerQuestion) parts.push(goals.slice(i, i + goalsPerQuestion));
  const answers = await Promise.all(
    parts.map((part) => {
      const names = part.flatMap(({ goalId }) => [`goal:${goalId}`, `goalVisitors:${goalId}`, `goalValue:${goalId}`]);
      return reports.timeseries({ ...span, metrics: names.join(), interval: 'month' }, signal);
    }),
  );
  const totals = Object.assign({}, ...answers.map((answer) => answer.totals));
  const largest = Math.max(...goals.map(({ goalId }) => totals[`goal:${goalId}`])) || 1;
  const lines = goals.map(({ goalId, name }) => ({
    first: bar(name, totals[`goal:${goalId}`] / largest),
    cells: [count(totals[`goal:${goalId}`]), count(totals[`goalVisitors:${goalId}`]), metrics.revenue.write(totals[`goalValue:${goalId}`])],
  }));
  return panel('Goals', [], table(['Goal', 'Completions', 'Visitors', 'Value'], lines));
}

/** @param choose is given another funnel's id */
export async function funnelsPanel(reports, span, chosen, choose, signal) {
  const funnels = await defined(reports, 'funnels', signal);
  if (funnels.length === 0) return undefined;
  const { funnelId } = funnels.find((funnel) => funnel.funnelId === chosen) ?? funnels[0];
  const tabs = element('div', { className: 'segments small', role: 'group', ariaLabel: 'Funnels' });
  segments(
    tabs,
    funnels.map((funnel) => ({ value: funnel.funnelId, label: funnel.name })),
    funnelId,
    choose,
  );
  const { steps, conversionRate } = await reports.get(`funnels/${encodeURIComponent(funnelId)}`, span, signal);
  const lines = steps.map(({ step, name, visitors, rate, dropOffRate, medianSecondsFromPrevious }) => ({
    first: bar(`${step}. ${name}`, rate),
    cells: [
      count(visitors),
      percent(rate),
      step === 1 ? '' : `−${percent(dropOffRate)}`,
      medianSecondsFromPrevious === null ? '' : duration(medianSecondsFromPrevious),
    ],
  }));
  const through = quiet(`${percent(conversionRate)} of those who enter get through.`, 'quiet more');
  return panel('Funnels', funnels.length > 1 ? [tabs] : [], table(['Step', 'Visitors', 'Of all', 'Lost', 'Median time'], lines), through);
}

/** Visitors by the week of their first visit, and the share of them that is back one week later, two, three … */
export async function retentionPanel(reports, timezone, signal) {
  const now = Date.now();
  const weekday = (new Date(`${dayIn(timezone, now)}T00:00:00Z`).getUTCDay() + 6) % 7;
  const from = dayIn(timezone, now, -weekday - 7 * (weeksShown - 1));
  const answer = await reports.get('retention', { from, to: dayIn(timezone, now), interval: 'week' }, signal);
  const first = answer.rows.findIndex(({ visitors }) => visitors > 0);
  if (first < 0) return undefined;
  const rows = answer.rows.slice(first);
  const head = ['Week of', 'Visitors', ...rows.slice(1).map((_, i) => `+${i + 1}`)];
  const lines = rows.map(({ cohort, visitors, rates }) => {
    const cells = rates.slice(1).map((rate) => {
      const cell = element('td', { textContent: visitors === 0 ? '' : percent(rate) });
      cell.style.setProperty('--share', rate);
      return cell;
    });
    const day = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', timeZone: 'UTC' }).format(new Date(cohort));
    return element('tr', {}, element('td', { textContent: day }), element('td', { textContent: count(visitors) }), ...cells);
  });
  const columns = head.map((textContent) => element('th', { scope: 'col', textContent }));
  const grid = element(
    'table',
    { className: 'cohorts' },
    element('thead', {}, element('tr', {}, ...columns)),
    element('tbody', {}, ...lines),
  );
  return panel(
    'Who comes back',
    [quiet('share of each week’s new visitors, by weeks later', 'quiet more')],
    element('div', { className: 'scroll' }, grid),
  );
}

const defined = async (reports, kind, signal) => (await reports.get(kind, {}, signal))[kind];
