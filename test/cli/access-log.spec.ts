import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { gzipSync } from 'node:zlib';
import { eventOf, isPageView } from '../../src/cli/access-log/event';
import { parseLogLine } from '../../src/cli/access-log/line';
import { linesOf, type FileLine } from '../../src/cli/access-log/lines';

const combined =
  '83.149.9.216 - - [17/May/2015:10:05:03 +0200] "GET /a/b.html?x=1 HTTP/1.1" 200 203 "http://example.com/from" "Mozilla/5.0 (X11) \\"quoted\\""';

describe('reading a line', () => {
  it('takes a line of the combined format apart', () => {
    expect(parseLogLine(combined)).toEqual({
      address: '83.149.9.216',
      time: Date.parse('2015-05-17T10:05:03+02:00'),
      method: 'GET',
      target: '/a/b.html?x=1',
      status: 200,
      referrer: 'http://example.com/from',
      userAgent: 'Mozilla/5.0 (X11) "quoted"',
    });
  });

  it('takes the common format, which has no referrer and no user agent', () => {
    expect(parseLogLine('::1 - frank smith [10/Oct/2000:13:55:36 -0730] "POST /x HTTP/1.0" 404 -')).toEqual({
      address: '::1',
      time: Date.parse('2000-10-10T13:55:36-07:30'),
      method: 'POST',
      target: '/x',
      status: 404,
      referrer: undefined,
      userAgent: undefined,
    });
  });

  it('takes a line whose user agent was cut off', () => {
    const cut = combined.replace(/\\"quoted\\""$/, '');
    expect(parseLogLine(cut)?.userAgent).toBe('Mozilla/5.0 (X11) ');
  });

  it.each([
    ['"GET /a b c HTTP/1.1"', 'GET', '/a b c'],
    ['"GET /old"', 'GET', '/old'],
    ['"-"', '-', ''],
    ['"\\x16\\x03\\x01"', '\\x16\\x03\\x01', ''],
  ])('makes the best of the request %s', (request, method, target) => {
    expect(parseLogLine(`1.2.3.4 - - [17/May/2015:10:05:03 +0000] ${request} 400 0 "-" "-"`)).toMatchObject({ method, target });
  });

  it.each([
    '',
    'hello',
    '1.2.3.4 - - [17/Mai/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 1',
    '1.2.3.4 - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1',
  ])('says that %j is no log line', (line) => {
    expect(parseLogLine(line)).toBeUndefined();
  });
});

describe('what a line becomes', () => {
  it.each([
    ['GET', 200, '/', true],
    ['GET', 304, '/blog/', true],
    ['GET', 200, '/blog/entry', true],
    ['GET', 200, '/blog/entry.html?a=b.png', true],
    ['GET', 200, '/index.php', true],
    ['GET', 200, '/a.htm', true],
    ['GET', 200, '/a.xhtml', true],
    ['GET', 200, '/v1.2/notes', true],
    ['GET', 200, '/search?q=x.y/z', true],
    ['GET', 200, '/style.css', false],
    ['GET', 200, '/page.html.gz', false],
    ['GET', 200, '/page.HTML', false],
    ['GET', 200, '/blog/page.html%20target=', false],
    ['GET', 206, '/', false],
    ['GET', 301, '/', false],
    ['HEAD', 200, '/', false],
    ['POST', 200, '/', false],
    ['get', 200, '/', false],
  ])('%s %d %s: a page view is %s', (method, status, target, expected) => {
    expect(isPageView({ method, status, target })).toBe(expected);
  });

  it('keeps the time of the line and what the server knew of the visitor', () => {
    const event = eventOf(parseLogLine(combined)!, combined, 0, '');
    expect(event).toMatchObject({
      name: 'page_view',
      time: Date.parse('2015-05-17T08:05:03Z'),
      url: '/a/b.html?x=1',
      referrer: 'http://example.com/from',
      userAgent: 'Mozilla/5.0 (X11) "quoted"',
      ip: '83.149.9.216',
    });
    expect(event.visitorId).toMatch(/^[0-9a-f]{32}$/);
  });

  it('is the same visitor for the same address and user agent, and another for another', () => {
    const visitor = (line: string): string => eventOf(parseLogLine(line)!, line, 0, '').visitorId;
    expect(visitor(combined.replace('b.html', 'c.html'))).toBe(visitor(combined));
    expect(visitor(combined.replace('X11', 'Windows'))).not.toBe(visitor(combined));
    expect(visitor(combined.replace('83.', '84.'))).not.toBe(visitor(combined));
  });

  it('has the same id whenever the same file is read, and another for the same text elsewhere in it', () => {
    const id = (offset: number): string | undefined => eventOf(parseLogLine(combined)!, combined, offset, '').id;
    expect(id(100)).toBe(id(100));
    expect(id(100)).not.toBe(id(200));
  });

  it('cuts what is longer than an event may carry, rather than losing the line', () => {
    const long = combined.replace('x=1', `x=${'y'.repeat(5_000)}`);
    const event = eventOf(parseLogLine(long)!, long, 0, '');
    expect(event.url).toHaveLength(2_048);
    expect(event.url!.startsWith('/a/b.html?x=')).toBe(true);
  });

  it('puts the site before the path', () => {
    expect(eventOf(parseLogLine(combined)!, combined, 0, 'https://blog.example').url).toBe('https://blog.example/a/b.html?x=1');
  });
});

describe('reading a file', () => {
  let folder: string;
  beforeAll(() => (folder = fs.mkdtempSync(path.join(os.tmpdir(), 'recount-lines-'))));
  afterAll(() => fs.rmSync(folder, { recursive: true }));

  async function read(name: string, content: Buffer): Promise<FileLine[]> {
    const file = path.join(folder, name);
    fs.writeFileSync(file, content);
    const lines: FileLine[] = [];
    for await (const line of linesOf(file)) lines.push(line);
    return lines;
  }

  it('gives each line with its number and the byte it begins at, wherever chunks end', async () => {
    const texts = Array.from({ length: 20_000 }, (_, n) => `line ${n} ${'ü'.repeat(n % 40)}`);
    const lines = await read('many.log', Buffer.from(texts.join('\n')));
    expect(lines.map(({ text }) => text)).toEqual(texts);
    expect(lines[3]).toMatchObject({ number: 4, offset: Buffer.byteLength(texts.slice(0, 3).join('\n')) + 1 });
    expect(lines.at(-1)!.offset).toBe(Buffer.byteLength(texts.slice(0, -1).join('\n')) + 1);
  });

  it('takes line ends of any kind, leaves out empty lines and counts them', async () => {
    const lines = await read('ends.log', Buffer.from('a\r\n\nb\nc'));
    expect(lines.map(({ text, number, offset }) => [text, number, offset])).toEqual([
      ['a', 1, 0],
      ['b', 3, 4],
      ['c', 4, 6],
    ]);
  });

  it('unpacks a rotated file, with the same offsets as before it was packed', async () => {
    const content = Buffer.from('one\ntwo\n');
    const strip = ({ text, offset }: FileLine): unknown => [text, offset];
    expect((await read('log.gz', gzipSync(content))).map(strip)).toEqual((await read('log', content)).map(strip));
  });

  it('does not take a file without line ends into memory', async () => {
    const lines = await read('binary.log', Buffer.alloc(5 << 20, 'x'));
    expect(lines.length).toBeGreaterThan(1);
    for (const { text } of lines) expect(text.length).toBeLessThanOrEqual(1 << 20);
  });
});
