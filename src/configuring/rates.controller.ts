import { Body, Controller, Get, Param, Put } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import { ApiOkResponse } from '@nestjs/swagger';
import { parseCurrency, parsePaidCurrency } from '../domain/currencies';
import { parseRate, type Rate } from '../domain/rates';
import { actorOf, type Caller, CurrentCaller } from './authentication';
import { DefinitionRoutes } from './definition-routes';
import { findMerchant } from './merchants.controller';
import { invalidRequest, shown } from './problem';
import { FindRates, SetRates } from './rates';
import { RatesAnswer, RatesRequest } from './rates-request';
import { problemOf } from './refusals';

@DefinitionRoutes()
@Controller('v1/merchants/:merchantId/rates')
export class RatesController {
  constructor(
    private readonly commands: CommandBus,
    private readonly queries: QueryBus,
  ) {}

  @Get()
  @ApiOkResponse({ type: RatesAnswer, description: 'Whoever reads reports may know what their amounts were converted with.' })
  async find(@Param('merchantId') merchantId: string): Promise<RatesAnswer> {
    const { currency } = await findMerchant(this.queries, merchantId);
    const table = await this.queries.execute(new FindRates(merchantId));
    return table === undefined ? { currency, rates: [] } : { currency: table.into, rates: table.rates };
  }

  @Put()
  @ApiOkResponse({
    type: RatesAnswer,
    description: 'In place of all there were. Reports convert with it within a second; nothing is counted again.',
  })
  async set(@Param('merchantId') merchantId: string, @Body() body: RatesRequest, @CurrentCaller() caller: Caller): Promise<RatesAnswer> {
    const { currency } = await findMerchant(this.queries, merchantId);
    if (body.currency !== undefined && parseCurrency(body.currency) !== currency) {
      const detail = `must be the merchant's, ${currency}, or left out, not ${shown(body.currency)}`;
      throw invalidRequest([{ field: 'currency', detail }]);
    }
    const done = await this.commands.execute(new SetRates(merchantId, body.rates.map(parsed), actorOf(caller)));
    if (!done.ok) throw problemOf(done.refusal, merchantId);
    return this.find(merchantId);
  }
}

/** In the usual spelling: the request rules have let it through. */
function parsed({ currency, from, rate }: Rate): Rate {
  return { currency: parsePaidCurrency(currency)!, from, rate: parseRate(rate)! };
}
