import { amount } from './amounts';
import { ByteReader, ByteWriter } from './bytes';
import type { Gathering } from './gathering';
import type { Lens } from './lens';
import { Memory, type MemoryBounds } from './memory';
import { noCurrency, toMinorUnits } from './money';

/** What an order brought in; NaN where its event does not tell. */
interface Order {
  readonly minorUnits: number;
  readonly currency: string;
}

/** Decides which purchases are orders, and what refunds of whole orders amount to: the first purchase of each transaction is remembered. */
export class Orders {
  readonly memory: Memory;
  private readonly from = new ByteReader(new Uint8Array(0));
  private readonly out = new ByteWriter();

  constructor(bounds: MemoryBounds) {
    this.memory = new Memory(bounds, 't');
  }

  /** Keys of the block's transactions that the store must be asked for. */
  absent(lens: Lens, gathering: Gathering): string[] {
    if (!this.memory.hasCold) return [];
    const { rows, transactions } = new Sales(lens);
    const keys = new Set<string>();
    for (const row of rows) {
      if (transactions[row] === 0) continue;
      const { hi, lo } = keyOf(lens, gathering, row);
      if (this.memory.isAbsent(hi, lo)) keys.add(this.memory.keyOf(hi, lo));
    }
    return [...keys];
  }

  /** Tells the lens; the store must have answered for all that are absent. */
  fold(lens: Lens, gathering: Gathering): void {
    const { rows, transactions, isPurchase } = new Sales(lens);
    const { isOrder, refundsOfOrders } = lens.forgetOrders();
    for (const row of rows) {
      if (transactions[row] === 0) {
        if (isPurchase[row] === 1) isOrder[row] = 1;
        continue;
      }
      const { hi, lo } = keyOf(lens, gathering, row);
      const known = this.memory.useExisting(hi, lo);
      if (isPurchase[row] === 1) {
        if (known !== -1) continue;
        isOrder[row] = 1;
        this.remember(this.memory.use(hi, lo), lens, row);
      } else if (known !== -1 && Number.isNaN(amount(lens.columns, row))) {
        const order = this.remembered(known);
        if (!Number.isNaN(order.minorUnits)) refundsOfOrders.set(row, order);
      }
    }
  }

  private remember(place: number, { columns }: Lens, row: number): void {
    const { values, codes } = columns.text.currency;
    const major = amount(columns, row);
    const currency = values[codes[row]!]! || noCurrency;
    this.out.length = 0;
    this.out.f64(Number.isNaN(major) ? NaN : toMinorUnits(major, currency));
    this.out.text(currency);
    this.memory.write(place, this.out);
  }

  private remembered(place: number): Order {
    this.memory.read(place, this.from);
    return { minorUnits: this.from.f64(), currency: this.from.text() };
  }
}

/** The rows of a block that sell or take back: few, so the rest of the work is done for these alone. */
class Sales {
  readonly rows: number[] = [];
  readonly isPurchase: Uint8Array;
  /** By row: the code of its transaction, 0 for none. */
  readonly transactions: Uint16Array | Uint32Array;

  constructor({ columns, rows }: Lens) {
    const { name, transactionId } = columns.text;
    this.transactions = transactionId.codes;
    const purchase = name.values.indexOf('purchase');
    const refund = name.values.indexOf('refund');
    this.isPurchase = new Uint8Array(columns.count);
    if (purchase === -1 && refund === -1) return;
    for (let i = 0; i < rows.length; i++) {
      const row = rows[i]!;
      const code = name.codes[row]!;
      if (code !== purchase && code !== refund) continue;
      this.rows.push(row);
      if (code === purchase) this.isPurchase[row] = 1;
    }
  }
}

/** A transaction's key: the hash of its id, told apart by merchant and by human or bot. */
function keyOf(lens: Lens, gathering: Gathering, row: number): { hi: number; lo: number } {
  const { transactionId } = lens.columns.text;
  const { hi, lo } = transactionId.hashes();
  const code = transactionId.codes[row]!;
  const merchant = lens.merchants[row]!;
  return {
    hi: (hi[code]! ^ gathering.merchantHigh[merchant]!) >>> 0,
    lo: (lo[code]! ^ (gathering.merchantLow[merchant]! + lens.bots[row]!)) >>> 0,
  };
}
