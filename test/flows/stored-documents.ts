import { deserialize, serialize } from 'bson';
import type { MongoClient } from 'mongodb';

/** What a generation holds of a projection, by id, as bytes in base64. */
export async function storedDocuments(
  mongo: MongoClient,
  projection: string,
  generationId: string,
  database = 'recount',
): Promise<Map<string, string>> {
  const found = await mongo
    .db(database)
    .collection<{ _id: string }>(`${projection}_${generationId}`)
    .find({}, { raw: true, sort: { _id: 1 } })
    .toArray();
  return new Map(
    (found as unknown as Uint8Array[]).map((bytes) => {
      // The revision tells in which flush a document was last written, not what it holds.
      const { rev: _rev, ...content } = deserialize(bytes, { promoteValues: false });
      return [String(content['_id']), Buffer.from(serialize(content)).toString('base64')];
    }),
  );
}
