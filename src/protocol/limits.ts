/** What goes over the wire is bounded here, once, for the server and for every client. */
export const limits = {
  /** Events in one collect request, on any transport. */
  batchEventsMax: 1_000,
  /** Bytes of one collect request, on any transport. */
  batchBytesMax: 1 << 20,
  /** What an RSocket frame may have beside its data: the header and the metadata, a route and a key. */
  frameOverheadBytesMax: 16 << 10,
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
  /** Money, in major units of any currency, either sign. */
  amountMax: 1_000_000_000_000,
  /** Of one item; whole numbers from 0. */
  quantityMax: 1_000_000,
  /** An event dated further ahead than this counts at the time of its receipt. */
  futureToleranceMs: 5 * 60_000,
  /**
   * A difference between `sentAt` and the receipt up to this much is taken for the way, not for a wrong clock, and corrects
   * nothing: a batch that waited in a queue or a socket for some seconds keeps its times exactly.
   */
  clockSkewToleranceMs: 30_000,
  /** 2000-01-01: what is dated earlier, after correction, is a mistake in units rather than history. */
  earliestTimeMs: 946_684_800_000,
} as const;
