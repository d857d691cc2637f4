/** One line of a web server's log in Common or Combined Log Format (Apache httpd, mod_log_config; nginx writes the same). */
export interface LogLine {
  address: string;
  /** Epoch ms. */
  time: number;
  /** '' when the request line has no such part. */
  method: string;
  /** As in the request line, with its query. */
  target: string;
  status: number;
  /** undefined where the log has `-` or nothing. */
  referrer: string | undefined;
  userAgent: string | undefined;
}

// Quoted parts may hold escaped quotes. The last one may lack its closing quote: servers cut lines that are too long.
const format =
  /^(\S+) \S+ .*?\[(\d{2})\/(\w{3})\/(\d{4}):(\d{2}):(\d{2}):(\d{2}) ([+-])(\d{2})(\d{2})\] "((?:[^"\\]|\\.)*)" (\d{3}) \S+(?: "((?:[^"\\]|\\.)*)"?)?(?: "((?:[^"\\]|\\.)*)"?)?/;
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** Undefined when the line has no readable address, time, request and status: it then says nothing that can be counted. */
export function parseLogLine(line: string): LogLine | undefined {
  const found = format.exec(line);
  if (found === null) return undefined;
  const [, address, day, monthName, year, hour, minute, second, sign, offsetHours, offsetMinutes, request, status, referrer, userAgent] =
    found;
  const month = months.indexOf(monthName!);
  if (month < 0) return undefined;
  const local = Date.UTC(Number(year), month, Number(day), Number(hour), Number(minute), Number(second));
  const offsetMs = (Number(offsetHours) * 60 + Number(offsetMinutes)) * 60_000;
  const { method, target } = splitRequest(request!);
  return {
    address: address!,
    time: sign === '-' ? local + offsetMs : local - offsetMs,
    method,
    target,
    status: Number(status),
    referrer: textOf(referrer),
    userAgent: textOf(userAgent),
  };
}

/** `GET /a b HTTP/1.1`: the method is the first word, the protocol the last, and whatever stands between them is the target. */
function splitRequest(request: string): { method: string; target: string } {
  const space = request.indexOf(' ');
  if (space < 0) return { method: request, target: '' };
  return { method: request.slice(0, space), target: request.slice(space + 1).replace(/ HTTP\/[\d.]+$/, '') };
}

function textOf(quoted: string | undefined): string | undefined {
  if (quoted === undefined || quoted === '' || quoted === '-') return undefined;
  return quoted.replace(/\\(["\\])/g, '$1');
}
