import { isDeepStrictEqual } from 'node:util';
import type { Document } from 'bson';
import { Aggregator } from 'mingo';
import type { RawDocument } from '../bson/raw';
import { ObjectNode } from '../bson/tree';
import { toPlainDocument, toRawValue } from '../bson/values';
import { DocumentWriter } from '../bson/writer';
import { CommandError } from '../errors';

const stages = new Set(['$set', '$addFields', '$unset', '$project', '$replaceRoot', '$replaceWith']);

/** An update written as an aggregation. Fields it does not change keep their bytes; computed ones get the types JavaScript values have. */
export function pipelineUpdate(pipeline: Document[]): (document: RawDocument) => RawDocument {
  for (const stage of pipeline) {
    const [name] = Object.keys(stage);
    if (name === undefined || !stages.has(name))
      throw new CommandError('InvalidOptions', `${name} is not allowed to be used within an update`);
  }
  const aggregator = new Aggregator(pipeline);
  return (document) => {
    const before = toPlainDocument(document);
    let after: Document | undefined;
    try {
      after = aggregator.run<Document>([toPlainDocument(document)])[0];
    } catch (error) {
      throw new CommandError('BadValue', `update pipeline: ${(error as Error).message}`);
    }
    const original = ObjectNode.parse(document);
    const result = new ObjectNode();
    for (const [field, value] of Object.entries(after ?? {})) {
      if (value === undefined) continue;
      const kept = isDeepStrictEqual(value, before[field]) ? original.fields.get(field) : undefined;
      result.fields.set(field, kept ?? toRawValue(value));
    }
    const writer = new DocumentWriter();
    result.write(writer);
    return { bytes: writer.take(), start: 0, end: writer.length };
  };
}
