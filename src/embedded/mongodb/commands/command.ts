import type { Document } from 'bson';
import { exactNumber } from '../bson/number-key';
import { BsonType, elementsOf, emptyDocument, type RawDocument, type RawElement, type RawValue } from '../bson/raw';
import { isNumberType, stringOf, toExactValue, typeNames } from '../bson/values';
import type { DocumentWriter } from '../bson/writer';
import type { Cursors } from '../cursors';
import { CommandError } from '../errors';
import { limits } from '../limits';
import type { Catalog } from '../storage/catalog';
import type { Environment } from '../storage/environment';
import type { WriteQueue } from '../storage/write-queue';

/** A reply: a document, or what writes its fields itself because it carries stored bytes. */
export type Reply = Document | ((writer: DocumentWriter) => void);

export type Handler = (command: Command, server: ServerState) => Reply | Promise<Reply>;

/** What the commands work with. */
export interface ServerState {
  readonly environment: Environment;
  readonly catalog: Catalog;
  readonly cursors: Cursors;
  readonly writes: WriteQueue;
  readonly startedAt: Date;
  readonly connections: () => number;
  readonly address: () => string;
}

/** One command with typed access to its fields. Wrong types are refused with TypeMismatch. */
export class Command {
  readonly name: string;
  readonly database: string;
  private readonly fields = new Map<string, RawElement>();

  constructor(
    body: RawDocument,
    private readonly sequences: ReadonlyMap<string, readonly RawDocument[]>,
    readonly connectionId: number,
    /** Size of the message, for grouping writes. */
    readonly bytes: number,
    database?: string,
  ) {
    const elements = elementsOf(body);
    for (const element of elements) this.fields.set(element.name, element);
    this.name = elements[0]?.name ?? '';
    this.database = database ?? this.string('$db') ?? '';
    if (this.database === '') throw new CommandError('BadValue', 'OP_MSG requests require a $db argument');
  }

  /** `database.collection`, the collection being the value of the field that names the command. */
  get ns(): string {
    const target = this.fields.get(this.name)!;
    if (target.type !== BsonType.string)
      throw new CommandError('InvalidNamespace', `collection name has invalid type ${typeNames[target.type]}`);
    const collection = stringOf(target);
    if (collection === '') throw new CommandError('InvalidNamespace', `Invalid namespace specified '${this.database}.'`);
    return `${this.database}.${collection}`;
  }

  get(name: string): RawElement | undefined {
    const value = this.fields.get(name);
    return value === undefined || value.type === BsonType.null || value.type === BsonType.undefined ? undefined : value;
  }

  has(name: string): boolean {
    return this.get(name) !== undefined;
  }

  string(name: string): string | undefined {
    const value = this.get(name);
    if (value === undefined) return undefined;
    if (value.type !== BsonType.string) throw this.mismatch(value, 'string');
    return stringOf(value);
  }

  /** Numbers count as booleans, as in MongoDB. */
  boolean(name: string, otherwise: boolean): boolean {
    const value = this.get(name);
    if (value === undefined) return otherwise;
    if (value.type === BsonType.boolean) return value.bytes[value.start] !== 0;
    if (isNumberType(value.type)) return exactNumber(value.bytes, value.type, value.start) !== 0;
    throw this.mismatch(value, 'bool');
  }

  /** A whole number of any numeric type, not below `min`. */
  integer(name: string, min = 0): number | undefined {
    const value = this.get(name);
    if (value === undefined) return undefined;
    if (!isNumberType(value.type)) throw this.mismatch(value, 'long');
    const number = exactNumber(value.bytes, value.type, value.start);
    if (number === undefined || !Number.isFinite(number)) throw new CommandError('BadValue', `${name} must be an integer`);
    if (number < min) throw new CommandError('BadValue', `BSON field '${name}' value must be >= ${min}, actual value '${number}'`);
    return Math.trunc(number);
  }

  document(name: string): RawDocument | undefined {
    const value = this.get(name);
    if (value === undefined) return undefined;
    if (value.type !== BsonType.object) throw this.mismatch(value, 'object');
    return value;
  }

  filter(name: string): RawDocument {
    return this.document(name) ?? emptyDocument;
  }

  array(name: string): RawElement[] | undefined {
    const value = this.get(name);
    if (value === undefined) return undefined;
    if (value.type !== BsonType.array) throw this.mismatch(value, 'array');
    return elementsOf(value);
  }

  /** The statements of a write, from the sequence sent beside the body or from the body itself. */
  batch(name: string): readonly RawDocument[] {
    const documents = this.sequences.get(name) ?? this.array(name);
    if (documents === undefined) throw new CommandError('BadValue', `BSON field '${this.name}.${name}' is missing but a required field`);
    if (documents.length === 0 || documents.length > limits.writeBatchMax) {
      throw new CommandError(
        'InvalidOptions',
        `Write batch sizes must be between 1 and ${limits.writeBatchMax}. Got ${documents.length} operations.`,
      );
    }
    for (const document of documents as readonly (RawDocument & Partial<RawValue>)[]) {
      if (document.type !== undefined && document.type !== BsonType.object)
        throw new CommandError('TypeMismatch', `${name} holds something other than documents`);
    }
    return documents;
  }

  exact(name: string): unknown {
    const value = this.get(name);
    return value === undefined ? undefined : toExactValue(value);
  }

  /** Refuses what would silently give other results than asked for. */
  refuse(...names: string[]): void {
    for (const name of names) {
      if (this.has(name)) throw new CommandError('NotImplemented', `the option '${name}' of ${this.name} is not supported by this server`);
    }
  }

  refuseCollation(): void {
    refuseCollation(this.get('collation'));
  }

  private mismatch(value: RawElement, expected: string): CommandError {
    return new CommandError(
      'TypeMismatch',
      `BSON field '${this.name}.${value.name}' is the wrong type '${typeNames[value.type]}', expected type '${expected}'`,
    );
  }
}

/** Strings are compared by their bytes; any other collation is refused. */
export function refuseCollation(collation: RawValue | undefined): void {
  if (collation === undefined || collation.type !== BsonType.object) return;
  const locale = elementsOf(collation).find((element) => element.name === 'locale');
  if (locale !== undefined && locale.type === BsonType.string && stringOf(locale) === 'simple') return;
  throw new CommandError('NotImplemented', 'collations other than {locale: "simple"} are not supported by this server');
}
