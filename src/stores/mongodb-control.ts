import type { Collection } from 'mongodb';
import type { MongoConnection } from './mongodb-connection';
import { isDuplicateKey } from './mongodb-errors';
import type { Checkpoint, ControlDocument, ControlStore, Intent } from './read-store';

/** Collection `control`: one document per (generation, partition), its `_id` as given. Every change is conditional on the epoch. */
export class MongoControl implements ControlStore {
  private readonly documents: Collection<ControlDocument>;

  constructor(private readonly connection: MongoConnection) {
    this.documents = connection.db.collection<ControlDocument>('control');
  }

  takeOver(id: string, owner: string): Promise<ControlDocument> {
    const fresh = { checkpoint: { revision: -1, logTime: 0, resume: {}, events: 0 }, intent: null };
    return this.connection.run(`taking over ${id}`, async () => {
      const taken = await whileRacing(() =>
        this.documents.findOneAndUpdate(
          { _id: id },
          { $inc: { epoch: 1 }, $set: { owner }, $setOnInsert: fresh },
          { upsert: true, returnDocument: 'after' },
        ),
      );
      if (!taken) throw new Error(`taking over ${id} returned no document`);
      return taken;
    });
  }

  get(id: string): Promise<ControlDocument | undefined> {
    return this.connection.run(`reading control of ${id}`, async () => (await this.documents.findOne({ _id: id })) ?? undefined);
  }

  list(idPrefix: string): Promise<ControlDocument[]> {
    return this.connection.run('listing control', () => this.documents.find(withPrefix(idPrefix), { sort: { _id: 1 } }).toArray());
  }

  saveIntent(id: string, epoch: number, intent: Intent): Promise<boolean> {
    return this.change(id, epoch, { intent });
  }

  saveCheckpoint(id: string, epoch: number, checkpoint: Checkpoint): Promise<boolean> {
    return this.change(id, epoch, { checkpoint, intent: null });
  }

  async remove(idPrefix: string): Promise<void> {
    await this.connection.run('removing control', () => this.documents.deleteMany(withPrefix(idPrefix)));
  }

  /** Repeating a change after an unknown outcome sets the same values again. */
  private change(id: string, epoch: number, $set: Partial<ControlDocument>): Promise<boolean> {
    return this.connection.run(
      `saving control of ${id}`,
      async () => (await this.documents.updateOne({ _id: id, epoch }, { $set })).matchedCount === 1,
    );
  }
}

/** Ids sort by their UTF-8 bytes, and nothing sorts after U+10FFFF. */
export const withPrefix = (prefix: string): { _id?: { $gte: string; $lt: string } } =>
  prefix === '' ? {} : { _id: { $gte: prefix, $lt: `${prefix}\u{10ffff}` } };

/** Of two upserts that insert the same id at once, one gets a duplicate key; made again, it finds the document there. */
export async function whileRacing<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (!isDuplicateKey(error) || attempt >= 5) throw error;
    }
  }
}
