// The last half hour, and today so far.

import { drawMinutes } from './chart.js';
import { amountNote, count, metrics, moment } from './format.js';
import { at, element } from './panels.js';

/** What the live stream is asked for. */
export const liveMetrics = ['visitors', 'pageviews', 'orders', 'revenue'];
const topPagesShown = 5;

export function drawNow(now) {
  at('active').textContent = count(now.activeVisitorsLast5Minutes);
  const { rows, timezone } = now;
  const views = rows.map((row) => row.pageviews);
  const total = views.reduce((sum, n) => sum + n, 0);
  at('minutes-total').textContent = `${count(total)} page views`;
  drawMinutes(at('minutes'), views, (i) =>
    i === undefined
      ? `${total} page views in the last 30 minutes`
      : `${moment(rows[i].time, 'minute', timezone, false)}: ${views[i]} page views`,
  );
  const lines = [['Visitors in 30 minutes', count(now.activeVisitors)]];
  for (const name of liveMetrics) {
    const note = amountNote(name, now.today.totals, now.meta.conversion);
    lines.push([`${metrics[name].name} today${note && `, ${note}`}`, metrics[name].write(now.today.totals[name])]);
  }
  at('today').replaceChildren(...definitions(lines));
  const pages = now.topPages.rows.slice(0, topPagesShown);
  at('top-pages').hidden = pages.length === 0;
  // While an installation counts the minutes of its pages for the first time.
  const isByHour = now.topPages.from !== now.from;
  at('top-pages-title').textContent = isByHour ? 'Pages of this hour and the last' : 'Pages of the last 30 minutes';
  at('top-pages-list').replaceChildren(...definitions(pages.map(({ value, pageviews }) => [value, count(pageviews)])));
}

const definitions = (lines) =>
  lines.flatMap(([name, value]) => [element('dt', { textContent: name, title: name }), element('dd', { textContent: value })]);
