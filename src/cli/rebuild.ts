import { setTimeout as sleep } from 'node:timers/promises';
import type { Api } from './api';
import { CommandFailed } from './command-failed';
import { progress } from './progress';
import { grouped, table } from './table';

type State = 'building' | 'caught-up' | 'live' | 'retired' | 'cancelled' | 'failed';
/** As GET /admin/rebuilds answers, as far as it is shown. */
export interface Rebuild {
  rebuildId: string;
  projection: string;
  version: number;
  state: State;
  promote: 'automatic' | 'manual';
  merchantId?: string;
  from?: string;
  to?: string;
  requestedAt: string;
  wish?: string;
  eventsRead: number;
  eventsTotal: number;
  eventsPerSecond: number;
  secondsRemaining: number | null;
  promotedAt?: string;
  failure?: string;
  /** What is lost by promoting it. */
  warning?: string;
  diff?: Diff;
}
type Figure = number | { amount: string; currency: string };
interface Diff {
  complete: boolean;
  merchantsCompared: number;
  total: number;
  rows: { day: string; measure: string; bots?: true; moving?: true; old: Figure; new: Figure; difference: Figure }[];
  merchants: { merchantId: string; differences: number }[];
}

const askEveryMs = 500;
const rowsShown = 20;
const merchantsShown = 5;

/** Shows the progress until the rebuild serves, or has caught up and waits. @throws CommandFailed when it comes to nothing */
export async function watch(api: Api, rebuildId: string): Promise<void> {
  let rebuild = await standing(api, rebuildId);
  const bar = progress('counting', Math.max(1, rebuild.eventsTotal), 'events');
  try {
    while (rebuild.state === 'building' || (rebuild.state === 'caught-up' && rebuild.promote === 'automatic')) {
      bar.update(rebuild.eventsRead, Math.max(1, rebuild.eventsTotal), paceOf(rebuild));
      await sleep(askEveryMs);
      rebuild = await standing(api, rebuildId);
    }
    bar.update(rebuild.eventsRead, Math.max(1, rebuild.eventsTotal), paceOf(rebuild));
  } finally {
    bar.stop();
  }
  const { state, version, eventsRead, eventsPerSecond, warning, diff } = rebuild;
  if (state === 'failed' || state === 'cancelled')
    throw new CommandFailed(`${rebuildId} is ${state}${rebuild.failure ? `: ${rebuild.failure}` : ''}`);
  const counted = `${grouped(eventsRead)} events, ${grouped(Math.round(eventsPerSecond))} a second`;
  if (state !== 'caught-up') {
    process.stdout.write(`Version ${version} of ${rebuild.projection} ${state === 'live' ? 'serves' : 'served'} (${counted}).\n`);
    return;
  }
  if (diff !== undefined) process.stdout.write(shownDiff(diff));
  if (warning !== undefined) process.stdout.write(`${shownWarning(warning)}\n`);
  process.stdout.write(`Caught up (${counted}). Switch with: recount rebuilds promote ${rebuildId}\n`);
}

export function paceOf({ eventsPerSecond, secondsRemaining }: Rebuild): string {
  const rate = ` | ${grouped(Math.round(eventsPerSecond))}/s`;
  return secondsRemaining === null ? rate : `${rate} | ${secondsRemaining} s left`;
}

export const shownWarning = (warning: string): string => `Warning: ${warning}.`;

const merchantsOf = (count: number): string => (count === 1 ? '1 merchant' : `${grouped(count)} merchants`);

/** What would change, or changed: the largest differences first. */
export function shownDiff({ rows, total, merchants, merchantsCompared, complete }: Diff): string {
  if (total === 0) return `Nothing differs${complete ? '' : ' so far'}, in ${merchantsOf(merchantsCompared)} compared.\n`;
  const columns = [
    { title: 'day' },
    { title: 'measure' },
    { title: 'now', align: 'right' as const },
    { title: 'counted again', align: 'right' as const },
    { title: 'difference', align: 'right' as const },
  ];
  const cells = rows.slice(0, rowsShown).map(({ day, measure, bots, moving, old, new: now, difference }) => {
    return [moving ? `${day}*` : day, bots ? `${measure} (bots)` : measure, shownFigure(old), shownFigure(now), shownFigure(difference)];
  });
  const notes = [
    ...(total > rowsShown ? [`${grouped(total)} numbers differ; these are the largest differences.`] : []),
    `Most changed: ${merchants
      .slice(0, merchantsShown)
      .map(({ merchantId, differences }) => `${merchantId} (${grouped(differences)})`)
      .join(', ')}.`,
    ...(complete ? [] : [`Only ${merchantsOf(merchantsCompared)} could be compared in time.`]),
    ...(rows.some(({ moving }) => moving) ? ['* One side has counted more of that day so far, which is part of the difference.'] : []),
  ];
  return `${table(columns, cells)}\n${notes.join('\n')}\n`;
}

const shownFigure = (figure: Figure): string => (typeof figure === 'number' ? grouped(figure) : `${figure.amount} ${figure.currency}`);

export function standing(api: Api, rebuildId: string): Promise<Rebuild> {
  return api.get<Rebuild>(`/admin/rebuilds/${encodeURIComponent(rebuildId)}`);
}
