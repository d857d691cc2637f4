import type { EventColumns } from '../../src/domain/columns';
import type { Gathering } from './gathering';
import type { Lens } from './lens';
import type { HistoryEvent } from './history';
import type { Teller } from './history-cells';
import type { MerchantSettings } from './settings';

/** The one view through which histories see the rows of a block: set `row`, and it shows that row. */
export class EventView implements HistoryEvent, Teller {
  row = 0;
  private lens!: Lens;
  private gathering!: Gathering;
  private firstPosition = 0;

  /** @param firstPosition of the block's first row */
  enter(lens: Lens, gathering: Gathering, firstPosition: number): void {
    this.lens = lens;
    this.gathering = gathering;
    this.firstPosition = firstPosition;
  }

  get columns(): EventColumns {
    return this.lens.columns;
  }

  get time(): number {
    return this.lens.columns.times[this.row]!;
  }

  get position(): number {
    return this.firstPosition + this.row;
  }

  get isOrder(): boolean {
    return this.lens.isOrder[this.row] === 1;
  }

  get refundOfOrder(): HistoryEvent['refundOfOrder'] {
    return this.lens.refundsOfOrders.get(this.row);
  }

  get merchant(): number {
    return this.lens.merchants[this.row]!;
  }

  get merchantId(): string {
    return this.gathering.merchants.list[this.merchant]!;
  }

  get settings(): MerchantSettings {
    return this.gathering.settings[this.merchant]!;
  }

  get bot(): 0 | 1 {
    return this.lens.bots[this.row] as 0 | 1;
  }

  get visitorNumber(): number {
    return this.lens.visitors[this.row]!;
  }
}
