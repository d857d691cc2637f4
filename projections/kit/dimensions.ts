import { pathOf } from '../../src/domain/urls';
import type { TextDimension } from './projection';
import { userAgentOf } from './visitors';

const notSet = '(not set)';

export const byPage: TextDimension = { field: 'url', valueOf: pathOf };
export const byCountry: TextDimension = { field: 'country', valueOf: (country) => (country === '' ? notSet : country) };
export const byDevice: TextDimension = { field: 'userAgent', valueOf: (text) => userAgentOf(text).device };
