import { ByteReader, ByteWriter } from '../../projections/kit/bytes';
import type { History, HistoryEvent, VisitorOf } from '../../projections/kit/history';
import { userAgentOf } from '../../projections/kit/visitors';
import type { AcceptedEvent } from '../../src/domain/columns';
import type { Definitions } from '../../src/domain/definitions';
import { decodeBlock, encodeBlock } from '../../src/stores/block';

export interface HistoryOptions {
  readonly timezone: string;
  readonly definitions?: Definitions;
  /** Blocks after which every state is written and read again, as when a visitor leaves memory and returns. */
  readonly rereadAfter?: (block: number) => boolean;
}

/** Hands visitors' events to a history block by block, as the kit does, and gives every change with the visitor it is of. */
export function changesOf<State, Change>(
  history: History<State, Change>,
  blocks: readonly (readonly AcceptedEvent[])[],
  options: HistoryOptions,
): { visitor: string; bot: 0 | 1; change: Change }[] {
  const settings = { timezone: options.timezone, ...(options.definitions && { definitions: options.definitions }) };
  const states = new Map<string, { state: State; visitor: string; of: VisitorOf }>();
  const changes: { visitor: string; bot: 0 | 1; change: Change }[] = [];
  let position = 0;
  blocks.forEach((rows, block) => {
    const columns = decodeBlock(encodeBlock(rows));
    const touched = new Set<string>();
    rows.forEach(({ merchantId, visitorId, userAgent, time }, row) => {
      const bot = userAgentOf(userAgent ?? '').bot ? 1 : 0;
      const key = `${merchantId} ${visitorId} ${bot}`;
      if (!states.has(key)) states.set(key, { state: history.create(), visitor: visitorId, of: { merchantId, settings, bot } });
      const event: HistoryEvent = {
        merchantId,
        settings,
        bot,
        columns,
        row,
        time,
        position: position++,
        isOrder: false,
        refundOfOrder: undefined,
      };
      history.add(states.get(key)!.state, event);
      touched.add(key);
    });
    for (const key of touched) {
      const { state, visitor, of } = states.get(key)!;
      history.settle(state, of, (change) => changes.push({ visitor, bot: of.bot, change: { ...change } }));
    }
    if (options.rereadAfter?.(block)) for (const kept of states.values()) kept.state = reread(history, kept.state);
  });
  return changes;
}

export function reread<State, Change>(history: History<State, Change>, state: State): State {
  const out = new ByteWriter();
  history.write(state, out);
  const from = new ByteReader(out.taken());
  const read = history.create();
  if (from.remaining > 0) history.read(from, read);
  if (from.remaining !== 0) throw new Error(`${from.remaining} bytes were written and not read`);
  return read;
}
