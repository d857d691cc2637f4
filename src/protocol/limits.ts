/** What goes over the wire is bounded here, once, for the server and for every client. */
export const limits = {
  /** Events in one collect request, on any transport. */
  batchEventsMax: 1_000,
  /** Bytes of one collect request, on any transport; also the largest RSocket frame. */
  batchBytesMax: 1 << 20,
  idLengthMax: 64,
  nameLengthMax: 64,
  /** url, title, referrer, userAgent. */
  textLengthMax: 2_048,
  /** Everything else that is a string: currency and country have rules of their own. */
  shortTextLengthMax: 256,
  itemsMax: 200,
  propertiesMax: 50,
  propertyNameLengthMax: 64,
  propertyValueLengthMax: 1_024,
  /** An event dated further ahead than this counts at the time of its receipt. */
  futureToleranceMs: 5 * 60_000,
} as const;
