// The reports' HTTP interface, as the page uses it.

export class Refused extends Error {
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

/** What answers for one merchant, asked with one token. */
export class Reports {
  constructor(merchant, token) {
    this.base = `/v1/merchants/${encodeURIComponent(merchant)}`;
    this.headers = { authorization: `Bearer ${token}` };
  }

  timeseries(parameters, signal) {
    return this.get('timeseries', parameters, signal);
  }
  breakdown(parameters, signal) {
    return this.get('breakdown', parameters, signal);
  }
  realtime(parameters, signal) {
    return this.get('realtime', parameters, signal);
  }

  async get(report, parameters, signal) {
    const response = await fetch(this.address(report, parameters), { headers: { ...this.headers, accept: 'application/json' }, signal });
    if (!response.ok) throw await refusal(response);
    return response.json();
  }

  /** Server-sent events through fetch, since EventSource cannot carry a token. Ends or throws with the connection. */
  async *live(parameters, signal) {
    const response = await fetch(this.address('live', parameters), { headers: { ...this.headers, accept: 'text/event-stream' }, signal });
    if (!response.ok) throw await refusal(response);
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let text = '';
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      text += value;
      const events = text.split('\n\n');
      text = events.pop();
      for (const event of events) if (event.startsWith('data: ')) yield JSON.parse(event.slice('data: '.length));
    }
  }

  address(report, parameters) {
    return `${this.base}/${report}?${new URLSearchParams(parameters)}`;
  }
}

async function refusal(response) {
  const text = await response.text();
  try {
    return new Refused(response.status, JSON.parse(text).detail);
  } catch {
    return new Refused(response.status, `The server answered ${response.status}`);
  }
}
