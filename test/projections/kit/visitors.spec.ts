import { userAgentOf } from '../../../projections/kit/visitors';

const iPhone =
  'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1';
const mac = 'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36';

describe('a user agent', () => {
  it('tells device, browser and operating system', () => {
    expect(told(iPhone)).toEqual({ bot: false, device: 'mobile', browser: 'Mobile Safari', os: 'iOS' });
    expect(told(mac)).toEqual({ bot: false, device: 'desktop', browser: 'Chrome', os: 'Mac OS' });
  });

  it('tells nothing where it is missing, and what is known where it is odd', () => {
    expect(told('')).toEqual({ bot: false, device: '(not set)', browser: '(not set)', os: '(not set)' });
    expect(told('curl')).toMatchObject({ bot: true, device: 'desktop', os: '(not set)' });
  });
});

function told(text: string): Record<string, unknown> {
  const { bot, device, browser, os } = userAgentOf(text);
  return { bot, device, browser, os };
}
