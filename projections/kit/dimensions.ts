import { hostOf, pathOf } from '../../src/domain/urls';
import type { TextDimension } from './projection';
import { userAgentOf } from './visitors';

const notSet = '(not set)';
const orNotSet = (text: string): string => (text === '' ? notSet : text);

export const byPage: TextDimension = { field: 'url', value: pathOf };
export const byHostname: TextDimension = { field: 'url', value: hostOf };
export const byTitle: TextDimension = { field: 'title' };
export const byEvent: TextDimension = { field: 'name' };
export const byCoupon: TextDimension = { field: 'coupon' };

const byCountry: TextDimension = { field: 'country', value: orNotSet };
const byDevice: TextDimension = { field: 'userAgent', value: (text) => userAgentOf(text).device };

/** What is known of a visitor. */
export const ofVisitors = {
  country: byCountry,
  language: { field: 'language', value: (text) => orNotSet(text.toLowerCase()) },
  device: byDevice,
  browser: { field: 'userAgent', value: (text) => userAgentOf(text).browser },
  os: { field: 'userAgent', value: (text) => userAgentOf(text).os },
  screen: { field: 'screen', value: orNotSet },
} satisfies { [name: string]: TextDimension };
