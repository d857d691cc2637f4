import type { Api } from '../api';
import { merchantPath } from '../merchants';
import { grouped, table } from '../table';

export const demoDays = 30;
const dayMs = 86_400_000;

interface Money {
  amount: string;
  currency: string;
}
type Cell = number | Money | Money[] | null | undefined;
interface Timeseries {
  rows: ({ time: string } & Record<string, Cell>)[];
  totals: Record<string, Cell>;
  meta: { asOf: string | null; lagSeconds: number | null };
}

const metrics = ['pageviews', 'visitors', 'sessions', 'orders', 'revenue'] as const;

/** Day by day what was counted, then where to look further. */
export async function demoReport(api: Api, merchantId: string, until: number, tokenPath: string | undefined): Promise<string> {
  const [from, to] = [until - demoDays * dayMs, until - 1].map((time) => new Date(time).toISOString().slice(0, 10));
  const path = `${merchantPath(merchantId)}/timeseries?metrics=${metrics.join(',')}&interval=day&from=${from}&to=${to}`;
  const { rows, totals, meta } = await api.get<Timeseries>(path);
  const cells = (time: string, row: Record<string, Cell>): string[] => [
    time,
    ...metrics.map((metric) => shown(row[`${metric}ByCurrency`] ?? row[metric])),
  ];
  const body = table(
    [{ title: 'day' }, ...metrics.map((title) => ({ title, align: 'right' as const }))],
    [...rows.map((row) => cells(row.time.slice(0, 10), row)), cells('total', totals)],
  );
  const token = tokenPath === undefined ? '$ADMIN_TOKEN' : `$(cat ${tokenPath})`;
  return [
    body,
    '',
    `Complete up to ${meta.asOf}, ${meta.lagSeconds} s behind. Bots are left out; bots=include shows them. Who came on two days is one visitor of the total.`,
    `Dashboard:   ${api.url}/#merchant=${encodeURIComponent(merchantId)} (asks for a token: the admin token will do)`,
    `Report:      ${api.url}${path}`,
    `Try:         curl -H "Authorization: Bearer ${token}" '${api.url}${merchantPath(merchantId)}/breakdown?dimension=country&metrics=pageviews,visitors&from=${from}&to=${to}'`,
    `All routes:  ${api.url}/docs`,
    ...(tokenPath === undefined ? [] : [`Admin token: ${tokenPath}`]),
    'Ctrl-C stops everything; the data stays.',
  ].join('\n');
}

/** Amounts in several currencies stand beside each other: they are never added up. */
function shown(cell: Cell): string {
  if (cell === null || cell === undefined) return '-';
  if (typeof cell === 'number') return grouped(cell);
  const all = Array.isArray(cell) ? cell : [cell];
  return all.map(({ amount, currency }) => `${amount.replace(/\B(?=(\d{3})+(?!\d)(?=\.|$))/g, ',')} ${currency}`).join(' + ');
}
