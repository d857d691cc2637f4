// One metric over time, beside the period before.

import { drawLines } from './chart.js';
import { amountsNote, metrics, moment, numeric } from './format.js';
import { at, element } from './panels.js';

/**
 * @param shown rows that have begun
 * @param ended rows that are over
 */
export function drawChart(report, metricName, shown, ended) {
  const metric = metrics[metricName];
  const { rows, previous, interval, timezone } = report;
  const before = previous.rows.map((row) => row[metricName]);
  const figure = (i) => rows[i][metricName];
  const unit = (value) => metric.axis(typeof figure(0) === 'object' ? { amount: value, currency: figure(0).currency } : value);
  at('chart-title').textContent = metric.name;
  at('chart-note').textContent = amountsNote([metricName], report.totals, report.meta.conversion);
  at('legend').replaceChildren(
    element('span', { textContent: 'this period' }),
    element('span', { className: 'before', textContent: 'the period before' }),
  );
  drawLines(
    at('chart'),
    {
      name: metric.name,
      rowCount: rows.length,
      values: rows.slice(0, shown).map((row) => numeric(row[metricName])),
      before: before.map(numeric),
      finished: ended,
      label: (i) => moment(rows[i].time, interval, timezone, true),
      axisLabel: (i) => moment(rows[i].time, axisInterval(report), timezone, false),
      write: (i) => metric.write(figure(i)),
      axis: unit,
    },
    {
      show: (x, y, i) => {
        const then =
          before[i] === undefined ? [] : [element('div', { className: 'then', textContent: `before: ${metric.write(before[i])}` })];
        showTooltip(x, y, moment(rows[i].time, interval, timezone, true), metric.write(figure(i)), then);
      },
      hide: () => (at('tooltip').hidden = true),
    },
  );
}

/** Hours of several days are labelled by their day. */
const axisInterval = ({ interval, rows }) => (interval === 'hour' && rows.length > 48 ? 'day' : interval);

function showTooltip(x, y, title, value, more) {
  const box = at('tooltip');
  box.replaceChildren(element('span', { textContent: title }), element('b', { textContent: value }), ...more);
  box.hidden = false;
  const left = Math.min(Math.max(x - box.offsetWidth / 2, 8), innerWidth - box.offsetWidth - 8);
  const above = y - box.offsetHeight - 14;
  box.style.left = `${left}px`;
  box.style.top = `${above < 8 ? y + 18 : above}px`;
}
