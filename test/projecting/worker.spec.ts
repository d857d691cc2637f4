import { append, event, events } from './shop-log';
import { eventually, InstallationUnderTest } from './installation-under-test';

let installation: InstallationUnderTest;
beforeEach(() => {
  installation = new InstallationUnderTest();
});
afterEach(() => installation.end());

const is = (expected: number) => (answer: number) => answer === expected;

it('counts what was appended before and after it started', async () => {
  await append(installation.eventStore, 4, events(30));
  await installation.worker();
  await eventually(() => installation.pageviews(), is(30));
  await append(installation.eventStore, 4, events(12, { merchantId: 'm2' }));
  await eventually(() => installation.pageviews(), is(42));
});

it('counts an event once when it was sent twice, in one block or hours of log later', async () => {
  const twice = event();
  await append(installation.eventStore, 4, [twice, twice, event()]);
  await append(installation.eventStore, 4, [twice]);
  await installation.worker();
  await append(installation.eventStore, 4, [twice, event()]);
  await eventually(() => installation.pageviews(), is(3));
});
