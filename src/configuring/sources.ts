import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { type Actor, type CarriedOut, type ConfigurationRefusal, MerchantLog } from './merchant-log';
import { hashSecret, newSourceId, newWriteKey } from './secrets';

/** The write key leaves the process this once: only its hash is stored. */
export type KeyGiven =
  | { readonly ok: true; readonly sourceId: string; readonly writeKey: string }
  | { readonly ok: false; readonly refusal: ConfigurationRefusal };

export class AddSource extends Command<KeyGiven> {
  constructor(
    readonly merchantId: string,
    readonly source: { name: string; allowedOrigins: readonly string[] },
    readonly by: Actor,
  ) {
    super();
  }
}

@CommandHandler(AddSource)
class AddSourceHandler implements ICommandHandler<AddSource> {
  constructor(private readonly log: MerchantLog) {}

  async execute({ merchantId, source, by }: AddSource): Promise<KeyGiven> {
    const [sourceId, writeKey] = [newSourceId(), newWriteKey()];
    const order = { kind: 'add-source', sourceId, ...source, keyHash: hashSecret(writeKey), now: Date.now() } as const;
    const done = await this.log.carryOut(merchantId, order, by);
    return done.ok ? { ok: true, sourceId, writeKey } : done;
  }
}

/** What is left out stays as it is; its key goes on working. */
export class ChangeSource extends Command<CarriedOut> {
  constructor(
    readonly merchantId: string,
    readonly sourceId: string,
    readonly changes: { name?: string; allowedOrigins?: readonly string[] },
    readonly by: Actor,
  ) {
    super();
  }
}

@CommandHandler(ChangeSource)
class ChangeSourceHandler implements ICommandHandler<ChangeSource> {
  constructor(private readonly log: MerchantLog) {}

  execute({ merchantId, sourceId, changes, by }: ChangeSource): Promise<CarriedOut> {
    return this.log.carryOut(merchantId, { kind: 'change-source', sourceId, ...changes, now: Date.now() }, by);
  }
}

/** The old key stops working with the new one's birth: who rotates because a key leaked wants no grace. */
export class RotateWriteKey extends Command<KeyGiven> {
  constructor(
    readonly merchantId: string,
    readonly sourceId: string,
    readonly by: Actor,
  ) {
    super();
  }
}

@CommandHandler(RotateWriteKey)
class RotateWriteKeyHandler implements ICommandHandler<RotateWriteKey> {
  constructor(private readonly log: MerchantLog) {}

  async execute({ merchantId, sourceId, by }: RotateWriteKey): Promise<KeyGiven> {
    const writeKey = newWriteKey();
    const order = { kind: 'rotate-write-key', sourceId, keyHash: hashSecret(writeKey), now: Date.now() } as const;
    const done = await this.log.carryOut(merchantId, order, by);
    return done.ok ? { ok: true, sourceId, writeKey } : done;
  }
}

export class RemoveSource extends Command<CarriedOut> {
  constructor(
    readonly merchantId: string,
    readonly sourceId: string,
    readonly by: Actor,
  ) {
    super();
  }
}

@CommandHandler(RemoveSource)
class RemoveSourceHandler implements ICommandHandler<RemoveSource> {
  constructor(private readonly log: MerchantLog) {}

  execute({ merchantId, sourceId, by }: RemoveSource): Promise<CarriedOut> {
    return this.log.carryOut(merchantId, { kind: 'remove-source', sourceId, now: Date.now() }, by);
  }
}

export const sourceHandlers = [AddSourceHandler, ChangeSourceHandler, RotateWriteKeyHandler, RemoveSourceHandler];
