import { applyDecorators, Injectable, type Type, UseGuards, UsePipes } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { ApiBearerAuth, ApiConflictResponse, ApiCreatedResponse, ApiDefaultResponse, ApiTags } from '@nestjs/swagger';
import type { DefinitionKind } from '../domain/merchant-definitions';
import type { MerchantRecord } from '../stores/records';
import { ProblemAnswer } from './answers';
import { actorOf, type Caller, DefinitionGuard } from './authentication';
import { ChangeDefinitions } from './definitions';
import { problemOf } from './refusals';
import { requestPipe } from './request-validation';
import { WithoutQuery } from './without-query';

/** Of a controller: who may call its routes, and how they refuse. */
export const DefinitionRoutes = (): ClassDecorator =>
  applyDecorators(
    ApiTags('configure'),
    ApiBearerAuth(),
    ApiDefaultResponse({ type: ProblemAnswer, description: 'A refusal.' }),
    UseGuards(DefinitionGuard, WithoutQuery),
    UsePipes(requestPipe),
  );

export const ApiAdded = (type: Type): MethodDecorator =>
  applyDecorators(
    ApiCreatedResponse({ type, description: 'It counts for all of history, once that is counted again.' }),
    ApiConflictResponse({ description: 'There is another one with this id, or there are as many as may be.' }),
  );

@Injectable()
export class DefinitionOrders {
  constructor(private readonly commands: CommandBus) {}

  /**
   * @returns the merchant as it is then
   * @throws ProblemException
   */
  async carryOut(merchantId: string, order: ChangeDefinitions['order'], caller: Caller): Promise<MerchantRecord> {
    const done = await this.commands.execute(new ChangeDefinitions(merchantId, order, actorOf(caller)));
    if (!done.ok) throw problemOf(done.refusal, merchantId);
    return done.merchant;
  }
}

/** @throws ProblemException 404 */
export function known<D>(found: D | undefined, kind: DefinitionKind, id: string, merchantId: string): D {
  if (found === undefined) throw problemOf({ reason: 'definition-unknown', kind, id }, merchantId);
  return found;
}
