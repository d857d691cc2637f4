/** ISO 4217 codes of money in use, without funds, metals and testing codes. */
const inUse: ReadonlySet<string> = new Set(
  (
    'AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CLP CNY COP CRC ' +
    'CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK ' +
    'JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR ' +
    'MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP ' +
    'STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VED VES VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG'
  ).split(' '),
);

/**
 * What prices are written in besides: ISO 4217's funds and units of account, such as Chile's UF, and money that was withdrawn and
 * stands in a shop's history. A table of our own: what Intl lists is Unicode's, has none of the funds, and changes with Node.
 */
const besides = 'BOV CHE CHW CLF COU MXV USN UYI UYW XDR XSU XUA ANG CUC HRK SLL ZWL'.split(' ');

/** What a merchant may count in: an ISO 4217 code of money in use, in capitals; undefined for anything else. */
export function parseCurrency(text: string): string | undefined {
  const code = text.toUpperCase();
  return inUse.has(code) ? code : undefined;
}

/** As sent and as stored, for the spellings that come: 'eur' → 'EUR'. */
const paid = new Map([...inUse, ...besides].flatMap((code) => [[code, code] as const, [code.toLowerCase(), code] as const]));

/** What an event's amounts may be in, in capitals; undefined when ISO 4217 knows no such money. */
export function parsePaidCurrency(text: string): string | undefined {
  return paid.get(text) ?? (text.length === 3 ? paid.get(text.toUpperCase()) : undefined);
}
