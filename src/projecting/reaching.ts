import type { GenerationRecord } from '../stores/records';
import { recordKinds } from '../stores/records';
import type { Versioned } from '../stores/read-store';
import { reachOf } from '../stores/reach';
import type { CoordinatorContext } from './coordination';
import type { GenerationsView } from './generations';
import type { Ledger } from './ledger';

/** A merchant's events go to new partitions ten seconds after the order (spreading.ts): by then they are folded there. */
const lookEveryMs = 1_000;

/** A generation that counts one merchant folds the partitions its events lie in: more of them when the merchant is spread further. */
export class Reaching {
  private lookedAt = -Infinity;

  constructor(
    private readonly context: CoordinatorContext,
    private readonly ledger: Ledger,
  ) {}

  async round(view: GenerationsView): Promise<void> {
    const now = performance.now();
    if (now - this.lookedAt < lookEveryMs) return;
    this.lookedAt = now;
    const byMerchant = new Map<string, Versioned<GenerationRecord>[]>();
    for (const generation of view.generations.values()) {
      const { state, scope } = generation.value;
      if (state === 'retired' || scope?.merchantId === undefined) continue;
      byMerchant.set(scope.merchantId, [...(byMerchant.get(scope.merchantId) ?? []), generation]);
    }
    for (const [merchantId, generations] of byMerchant) {
      const reach = await reachOf(this.ledger.records, merchantId);
      for (const generation of generations) {
        if (reach <= (generation.value.reach ?? 1)) continue;
        await this.ledger.save(recordKinds.generations, generation, { ...generation.value, reach });
        this.context.logger.info({ generation: generation.id, merchantId, reach }, 'its merchant is spread further');
      }
    }
  }
}
