import { setTimeout as sleep } from 'node:timers/promises';
import type { Api } from './api';
import { CommandFailed } from './command-failed';
import { merchantPath } from './merchants';

const askEveryMs = 250;

/** Resolves when reports of the merchant include everything the log held at `since` (epoch ms), by `meta.asOf` of the answers. */
export async function untilCounted(api: Api, merchantId: string, since: number, withinMs: number): Promise<void> {
  const end = Date.now() + withinMs;
  const day = new Date(since).toISOString().slice(0, 10);
  for (;;) {
    const { meta } = await api.get<{ meta: { asOf: string | null } }>(
      `${merchantPath(merchantId)}/timeseries?metrics=events&interval=day&from=${day}&to=${day}`,
    );
    if (meta.asOf !== null && Date.parse(meta.asOf) >= since) return;
    if (Date.now() > end) {
      throw new CommandFailed(
        `Not everything is counted after ${withinMs / 1000} s (complete up to ${meta.asOf}). recount status shows what is behind.`,
      );
    }
    await sleep(askEveryMs);
  }
}
