import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { DefinitionCommand } from '../domain/merchant-definitions';
import { type Actor, type CarriedOut, MerchantLog } from './merchant-log';

type WithoutTime<C> = C extends unknown ? Omit<C, 'now'> : never;

/** Adds, changes or removes a goal, a funnel or a filter. */
export class ChangeDefinitions extends Command<CarriedOut> {
  constructor(
    readonly merchantId: string,
    readonly order: WithoutTime<DefinitionCommand>,
    readonly by: Actor,
  ) {
    super();
  }
}

@CommandHandler(ChangeDefinitions)
class ChangeDefinitionsHandler implements ICommandHandler<ChangeDefinitions> {
  constructor(private readonly log: MerchantLog) {}

  execute({ merchantId, order, by }: ChangeDefinitions): Promise<CarriedOut> {
    return this.log.carryOut(merchantId, { ...order, now: Date.now() }, by);
  }
}

export const definitionHandlers = [ChangeDefinitionsHandler];
