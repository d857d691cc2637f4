import type { Amount, Figure } from './figures';

/** A table as RFC 4180 text: CRLF, a header line, quotes only where they are needed. */
function toCsv(header: readonly string[], lines: readonly (readonly (string | number)[])[]): string {
  return [header, ...lines].map((line) => `${line.map(cell).join(',')}\r\n`).join('');
}

/**
 * Spreadsheets run text that begins like a formula. Such text is the work of visitors (a page, a product), so it gets an apostrophe
 * in front, which spreadsheets take for "this is text". Numbers stay numbers, negative ones too.
 */
function cell(value: string | number): string {
  if (typeof value === 'number') return String(value);
  const text = /^[=+\-@\t\r]/.test(value) && !/^-\d+(\.\d+)?$/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/**
 * Rows as a table. A money metric becomes two columns, the amount and its currency, and where any row has amounts in other
 * currencies a third with all of them: `19.99 USD; 5.00 EUR`.
 */
export function tableOf(
  key: string,
  metrics: readonly string[],
  rows: readonly { readonly [column: string]: Figure | string }[],
  isMoney: (metric: string) => boolean,
): string {
  const columns: Column[] = [{ name: key, cell: (row) => row[key] as string }];
  for (const metric of metrics) {
    if (!isMoney(metric)) {
      columns.push({ name: metric, cell: (row) => row[metric] as number });
      continue;
    }
    const all = `${metric}ByCurrency`;
    columns.push({ name: metric, cell: (row) => (row[metric] as Amount).amount });
    columns.push({ name: `${metric}Currency`, cell: (row) => (row[metric] as Amount).currency });
    if (rows.some((row) => all in row)) columns.push({ name: all, cell: (row) => ((row[all] ?? []) as Amount[]).map(written).join('; ') });
  }
  return toCsv(
    columns.map(({ name }) => name),
    rows.map((row) => columns.map((column) => column.cell(row))),
  );
}

interface Column {
  readonly name: string;
  cell(row: { readonly [column: string]: Figure | string }): string | number;
}

const written = ({ amount, currency }: Amount): string => `${amount} ${currency}`;
