import type { MerchantSettings } from '../kit/settings';
import { dayNumberOf } from '../kit/zone';
import type { Visit } from './visit';
import type { VisitorEvents } from './visitor-events';

/** What cutting needs of a visitor's sessions. */
export interface Cuttable {
  readonly runs: Visit[];
  readonly events: VisitorEvents;
  /** To be called before a session changes. */
  touch(visit: Visit): void;
  newVisit(id: string): Visit;
  /** `later` has become part of `visit`. */
  joined(visit: Visit, later: Visit): void;
}

const sessionGapMs = 30 * 60_000;

/** Whether a session that begins with `firstCampaign` and so far ends at `end` does not go on with an event at `time` with `campaign`. */
export function isCut(firstCampaign: number, end: number, time: number, campaign: number, settings: MerchantSettings): boolean {
  return (
    time - end > sessionGapMs ||
    (campaign !== 0 && campaign !== firstCampaign) ||
    (settings.definitions?.sessionsEndAtMidnight === true && dayNumberOf(settings.timezone, end) !== dayNumberOf(settings.timezone, time))
  );
}

/**
 * Cuts and joins the runs of a visitor's events that need it. Cutting goes from left to right and looks at a session's first event
 * only, so from where an old session begins again with the same event on, everything stays as it was.
 */
export function cutAnew(visits: Cuttable, settings: MerchantSettings): void {
  const { runs, events } = visits;
  for (let i = 0; i < runs.length; i++) {
    let run = runs[i]!;
    if (!run.needsCut) continue;
    run.needsCut = false;
    for (let from = run.head === undefined ? 1 : 0; ;) {
      const cut = firstCut(run, from, visits, settings);
      if (cut < run.count) {
        const rest = visits.newVisit(run.id);
        run.split(cut, rest);
        run = rest;
        runs.splice(++i, 0, run);
        visits.touch(run);
        from = 1;
        continue;
      }
      const next = runs[i + 1];
      if (next === undefined || isCut(run.campaignOfFirst(events), run.end, next.start, next.campaignOfFirst(events), settings)) break;
      visits.touch(next);
      from = next.head === undefined ? run.count : 0;
      run.append(next, events);
      runs.splice(i + 1, 1);
      visits.joined(run, next);
    }
  }
}

/** Place of the first event from `from` on with which another session begins; the number of events where there is none. */
function firstCut(run: Visit, from: number, { events }: Cuttable, settings: MerchantSettings): number {
  const campaign = run.campaignOfFirst(events);
  let end = from === 0 ? run.head!.end : run.timeAt(from - 1);
  for (let place = from; place < run.count; place++) {
    const time = run.timeAt(place);
    if (isCut(campaign, end, time, events.originOf(run.codeAt(place)).touch.campaignKey, settings)) return place;
    end = time;
  }
  return run.count;
}
