import { run, type Running } from '../configuring/running';

let running: Running;
beforeEach(async () => {
  running = await run([]);
});
afterEach(() => running.close());
const get = (path: string) => running.send('get', path, undefined, null);

describe('A process', () => {
  it('says that it lives', async () => {
    expect((await get('/health/live').expect(200)).body).toEqual({ status: 'live' });
  });

  it('is ready when every check says so', async () => {
    running.readiness.register('event store', () => ({ ok: true }));
    running.readiness.register('read store', async () => ({ ok: true, detail: 'primary' }));
    const { body } = await get('/health/ready').expect(200);
    expect(body).toEqual({ status: 'ready', checks: { 'event store': { ok: true }, 'read store': { ok: true, detail: 'primary' } } });
  });

  it('is not ready when one check fails, and says which and why', async () => {
    running.readiness.register('event store', () => ({ ok: true }));
    running.readiness.register('read store', () => ({ ok: false, detail: 'no answer from MongoDB; is it running?' }));
    const { body } = await get('/health/ready').expect(503);
    expect(body.status).toBe('not-ready');
    expect(body.checks['read store']).toEqual({ ok: false, detail: 'no answer from MongoDB; is it running?' });
  });

  it('is not ready when a check breaks', async () => {
    running.readiness.register('read store', () => Promise.reject(new Error('connection reset')));
    const { body } = await get('/health/ready').expect(503);
    expect(JSON.stringify(body)).toContain('connection reset');
  });

  it('is not ready when a check does not answer', async () => {
    running.readiness.register('read store', () => new Promise(() => undefined));
    const { body } = await get('/health/ready').expect(503);
    expect(JSON.stringify(body)).toContain('did not answer within 3 s');
  });

  it('gives its metrics to Prometheus, also when several applications run in it', async () => {
    const other = await run([]);
    const answer = await get('/metrics').expect(200);
    expect(answer.headers['content-type']).toMatch(/^text\/plain/);
    expect(answer.text).toMatch(/^recount_process_cpu_seconds_total \d/m);
    expect(answer.text).toMatch(/^recount_nodejs_eventloop_lag_seconds /m);
    await other.close();
  });

  it('measures requests by route, and never by the ids in their paths', async () => {
    await get('/health/live').expect(200);
    await get('/v1/merchants/secret-shop').expect(404);
    const { text } = await get('/metrics').expect(200);
    expect(text).toMatch(/recount_http_request_seconds_count{method="GET",route="\/health\/live",status="200"} \d/);
    expect(text).toMatch(/recount_http_request_seconds_count{method="GET",route="none",status="404"} \d/);
    expect(text).not.toContain('secret-shop');
  });
});
