import request from 'supertest';
import { Installation } from './installation';

const installation = new Installation();
beforeAll(() => installation.start());
afterAll(() => installation.stop());
const get = (path: string): request.Test => request(installation.url).get(path);

describe('the dashboard', () => {
  it('is a page whose scripts, styles and pictures are all served here, none of them inline', async () => {
    const page = await get('/');
    expect(page.status).toBe(200);
    expect(page.headers['content-type']).toBe('text/html; charset=utf-8');
    expect(page.text).not.toMatch(/<script(?![^>]*\ssrc=)/);
    expect(page.text).not.toMatch(/\s(style|on\w+)=/);

    const seen = new Set<string>();
    const waiting = [...page.text.matchAll(/(?:src|href)="(\/dashboard\/[^"]+)"/g)].map(([, path]) => path!);
    expect(waiting.length).toBeGreaterThan(2);
    for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
      if (seen.has(path)) continue;
      seen.add(path);
      const file = await get(path).buffer(true);
      expect([path, file.status]).toEqual([path, 200]);
      if (!path.endsWith('.js')) continue;
      expect(file.headers['content-type']).toBe('text/javascript; charset=utf-8');
      for (const [, name] of file.text.matchAll(/from '\.\/([^']+)'/g)) waiting.push(`/dashboard/${name}`);
    }
    expect([...seen].some((path) => path.endsWith('.js'))).toBe(true);
  });

  it('lets the browser run and fetch nothing from elsewhere', async () => {
    const policy = (await get('/')).headers['content-security-policy']!;
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'self'");
    expect(policy).not.toMatch(/unsafe|https?:/);
  });

  it('is not sent again while it is the same', async () => {
    const { headers } = await get('/dashboard/app.js');
    expect((await get('/dashboard/app.js').set('if-none-match', headers['etag']!)).status).toBe(304);
  });

  it('gives out its own files and no others', async () => {
    for (const path of [
      '/dashboard/nothing.js',
      '/dashboard/..%2fdashboard.module.ts',
      '/dashboard/%2e%2e%2f%2e%2e%2fpackage.json',
      '/dashboard/__proto__',
    ]) {
      expect([path, (await get(path)).status]).toEqual([path, 404]);
    }
  });
});
