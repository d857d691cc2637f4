// Tables of what is counted by a dimension: several dimensions share a panel, one of them is shown.

import { amountsNote, country, device, metrics, numeric } from './format.js';
import { bar, element, panel, quiet, segments, table } from './panels.js';

const plain = (value) => value;
const visits = ['visitors', 'sessions', 'conversionRate'];
const engagement = ['visitors', 'sessions', 'bounceRate'];
/** From looking to buying, events in which a product occurs. */
const sales = ['revenue', 'productViews', 'addToCarts', 'orders'];
const arrivals = ['sessions', 'bounceRate', 'revenue'];

/** By the name the choice is remembered under. */
export const groups = [
  {
    title: 'Where they come from',
    tabs: [
      { dimension: 'channel', title: 'Channels', metrics: ['visitors', 'sessions', 'revenue'] },
      { dimension: 'source', title: 'Sources', metrics: ['visitors', 'sessions', 'revenue'] },
      { dimension: 'campaign', title: 'Campaigns', metrics: ['visitors', 'sessions', 'revenue'] },
      { dimension: 'referrer', title: 'Referrers', metrics: ['visitors', 'sessions', 'revenue'] },
      { dimension: 'firstChannel', title: 'First channels', metrics: ['visitors', 'sessions', 'revenue'] },
    ],
  },
  {
    title: 'What they see',
    tabs: [
      { dimension: 'page', title: 'Pages', metrics: ['visitors', 'pageviews'] },
      { dimension: 'entryPage', title: 'Entries', metrics: arrivals },
      { dimension: 'exitPage', title: 'Exits', metrics: arrivals },
      { dimension: 'hostname', title: 'Hosts', metrics: ['visitors', 'pageviews'] },
    ],
  },
  {
    title: 'What they buy',
    tabs: [
      { dimension: 'product', title: 'Products', metrics: sales },
      { dimension: 'category', title: 'Categories', metrics: sales },
      { dimension: 'brand', title: 'Brands', metrics: sales },
      { dimension: 'coupon', title: 'Coupons', metrics: ['revenue', 'orders'] },
    ],
  },
  {
    title: 'Where they are',
    tabs: [
      { dimension: 'country', title: 'Countries', metrics: visits, label: country, chip: true },
      { dimension: 'language', title: 'Languages', metrics: visits },
    ],
  },
  {
    title: 'What they use',
    tabs: [
      { dimension: 'device', title: 'Devices', metrics: engagement, label: device },
      { dimension: 'browser', title: 'Browsers', metrics: engagement },
      { dimension: 'os', title: 'Systems', metrics: engagement },
      { dimension: 'screen', title: 'Screens', metrics: engagement },
    ],
  },
  {
    title: 'What they do',
    tabs: [
      { dimension: 'event', title: 'Events', metrics: ['visitors', 'events'] },
      { dimension: 'title', title: 'Titles', metrics: ['visitors', 'pageviews'] },
    ],
  },
];

const rowsShown = 8;

export const question = (tab) => ({ dimension: tab.dimension, metrics: tab.metrics.join(), limit: rowsShown });

/**
 * @param answer a breakdown ordered by the first metric of the tab, or the Refused that came in its place
 * @param choose is given another tab's dimension
 */
export function drawGroup(group, tab, answer, choose) {
  const tabs = element('div', { className: 'segments small', role: 'group', ariaLabel: group.title });
  const choices = group.tabs.map(({ dimension, title }) => ({ value: dimension, label: title }));
  segments(tabs, choices, tab.dimension, choose);
  if (answer instanceof Error) return panel(group.title, [tabs], quiet(answer.message, 'quiet more'));
  if (answer.rows.length === 0) return panel(group.title, [tabs], quiet('Nothing in this range.', 'quiet more'));
  const note = amountsNote(tab.metrics, answer.totals, answer.meta.conversion);
  const hidden = answer.rowCount - answer.rows.length;
  return panel(
    group.title,
    [tabs],
    breakdown(tab, answer),
    hidden > 0 ? quiet(`and ${hidden.toLocaleString('en')} more`, 'quiet more') : '',
    note === '' ? '' : quiet(note, 'quiet more'),
  );
}

function breakdown({ title, metrics: names, label = plain, chip = false }, { rows, other }) {
  const [first] = names;
  const largest = Math.max(...rows.map((row) => numeric(row[first])), 0) || 1;
  const cells = (figures) => names.map((name) => metrics[name].write(figures[name]));
  const lines = rows.map((row) => {
    const code = chip && /^[A-Z]{2}$/.test(row.value) ? [element('small', { textContent: row.value })] : [];
    return { first: bar(label(row.value), numeric(row[first]) / largest, ...code), cells: cells(row) };
  });
  if (other !== undefined) lines.push({ className: 'rest', first: bar('(other)', 0), cells: cells(other) });
  return table([title, ...names.map((name) => metrics[name].name)], lines);
}
