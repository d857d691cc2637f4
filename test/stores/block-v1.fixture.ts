import type { AcceptedEvent } from '../../src/domain/columns';

/** Events that between them use every part of version 1 of the block format. */
export const rows: AcceptedEvent[] = [
  {
    merchantId: 'shop-1',
    id: '00112233445566778899aabbccddeeff',
    time: 1_763_800_000_000,
    receivedAt: 1_763_800_000_400,
    name: 'page_view',
    visitorId: '0f8fad5b-d9cb-469f-a165-70867728950e',
    sessionId: 'a1b2c3d4e5f60718',
    url: 'https://shop.example/p/1?utm_source=news',
    title: 'Grüße – 価格 👩‍🚀',
    referrer: 'https://search.example/',
    userAgent: 'Mozilla/5.0 (X11; Linux x86_64)',
    country: 'DE',
    language: 'de-DE',
    screen: '1920x1080',
  },
  {
    merchantId: 'shop-1',
    id: 'not-hex',
    time: 1_763_799_999_000,
    receivedAt: 1_763_800_000_400,
    name: 'purchase',
    visitorId: 'visitor 2',
    userId: 'user-7',
    value: 59.97,
    tax: 9.57,
    shipping: 4.9,
    currency: 'EUR',
    transactionId: 'T-1001',
    coupon: 'WELCOME',
    items: [
      { itemId: 'sku-1', name: 'Cup', brand: 'Kiln', category: 'Kitchen', variant: 'blue', price: 19.99, quantity: 3, coupon: 'C3' },
      { itemId: 'sku-2' },
    ],
  },
  {
    merchantId: 'shop-2',
    id: '123e4567-e89b-42d3-a456-426614174000',
    time: 1_763_800_003_000,
    receivedAt: 1_763_800_000_900,
    name: 'scroll',
    visitorId: '0f8fad5b-d9cb-469f-a165-70867728950e',
    properties: { depth: 75, plan: 'free', signedIn: false },
  },
];

/** The block they were sealed into when the format was fixed, base64. Never to be made anew: what was written must stay readable. */
export const sealed = [
  'UkJMSwEBAAA2zbVMAwAAAACAIcKqqnlCAIAbw6qqeUJXAwAAOAAAAHACAAAAESIzRFVmd4iZqrvM3e7/Ej5FZ+ibQtOkVkJmFBdAAA+PrVvZy0afoWVwhnco',
  'lQ6hssPU5fYHGAOrAQCAqqqq6l9UAzIjMyMdMiETFkjIQ1pKHhYAWz3cw90sYQHICIeAgIyABEjIhAyABAVPDXMNN4U0V9NUU/MwzwQH8MMlD8st8+CZx4zD',
  'OSAhIQPuebgHJCTkMQ63sPKk3et0qtqfZzv4XwwGD4PBcwweFoP1BOf4Y0y1BwDw+vf+/uQx/Lnw6yEFmDDcp/8XyTUAoAAAF+FkCQBeoSqsl4kaGb2pH4MQ',
  'CpfBXGaF9iJ08YF1Exn1AGABAAhdgFtzfKT5UPTHUuyhi7oyacZL4cJITZHnybcFJdQBgBNoeJnGspS2ME4ydDUV3iwIwDlwUZXCeB1ktKGYq4mEAHCGdhlz',
  'toFrYMqs1WUSBE2x7Yuaj3QuAh1Ejyo76pdFZVLxQIm9Ehn1zYcHCME31s3hweFcOEezz87fn9//fTtwjucffxzNPhzPv8yQ0TtgMbfpBvjfOQQ3abb1HMho',
  'ALPm87oNvrNVvJN5zoO2Hzp3t6PovrMpVVU7dXelv9K6h4xeAngfuk+nwXmth4xeAdpc0lmwD4SnUtdxqQEuo7gZ1lHYDZHRvwf3ea4WJxi9F8/wO3/Jz70o',
  'DCNk9DDws2kJXLzsba4+3eohI0vQCAljasd+3GHkPCDSllPstzuM2NAJOWXG3PJjRr4Ch6BAPtEo3qO0YrQxwATLN9VFsVZ8JDDB1UqjizuGqwGUT2Su0MWU',
  'WzEszARZhE0zIWA95kZyZTHBnby6MOxrI1OBSRT7cezi24orK+0Ek2UX06LShVqBWMap2+BzauKUkVZHdApeQysGQtsMk07bRZ1zM/quEXtQl3KoxGBDYbLL',
  '81JM2Q==',
].join('');
