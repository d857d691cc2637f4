// Charts as plain SVG. Sizes are CSS pixels; a chart is drawn anew when its box changes.

const svgNamespace = 'http://www.w3.org/2000/svg';

function svg(name, attributes = {}, ...children) {
  const node = document.createElementNS(svgNamespace, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}

/** Round steps of the scale from 0 to at least `max`: 1, 2 or 5 times a power of ten. */
function ticks(max, wanted = 5) {
  if (max <= 0) return [0, 1];
  const rough = max / wanted;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((n) => n * power).find((n) => n >= rough);
  const steps = [];
  for (let at = 0; at < max + step; at += step) steps.push(Number(at.toPrecision(12)));
  return steps;
}

const path = (points) => points.map(([x, y], i) => `${i === 0 ? 'M' : 'L'}${x.toFixed(1)} ${y.toFixed(1)}`).join('');

/**
 * One metric over time, with the period before behind it.
 * @param box element to draw in
 * @param data { values, before?, finished, label(i), axisLabel(i), write(i), axis(value), name }: `values` end with now; `finished` of
 *   them are whole intervals; the scale has `rowCount` places
 * @param tooltip { show(x, y, i), hide() } with coordinates of the window
 */
export function drawLines(box, data, tooltip) {
  const width = Math.max(box.clientWidth, 200);
  const height = Math.max(box.clientHeight, 120);
  const top = 10;
  const bottom = height - 26;
  const scale = ticks(Math.max(...data.values, ...(data.before ?? []), 0));
  const highest = scale.at(-1);
  const labels = scale.map((at) => data.axis(at));
  const left = Math.max(...labels.map((label) => label.length)) * 6.6 + 12;
  const right = width - 8;
  const last = Math.max(data.rowCount - 1, 1);
  const x = (i) => left + ((right - left) * i) / last;
  const y = (value) => bottom - ((bottom - top) * value) / highest;
  const points = (values) => values.slice(0, data.rowCount).map((value, i) => [x(i), y(value)]);

  const root = svg('svg', {
    width,
    height,
    role: 'slider',
    tabindex: '0',
    'aria-label': `${data.name} over time`,
    'aria-orientation': 'horizontal',
  });
  root.setAttribute('aria-valuemin', '0');
  root.setAttribute('aria-valuemax', String(Math.max(data.values.length - 1, 0)));
  for (const [i, at] of scale.entries()) {
    root.append(svg('line', { class: 'grid', x1: left, x2: right, y1: y(at), y2: y(at) }));
    root.append(svg('text', { x: left - 8, y: y(at) + 4, 'text-anchor': 'end' }, labels[i]));
  }
  const room = Math.max(1, Math.ceil(data.rowCount / Math.max(1, Math.floor((right - left) / 74))));
  for (let i = 0; i < data.rowCount; i += room) {
    const anchor = x(i) + 26 > width ? 'end' : x(i) - 26 < left && i === 0 ? 'start' : 'middle';
    root.append(svg('text', { x: x(i), y: height - 6, 'text-anchor': anchor }, data.axisLabel(i)));
  }

  if (data.before !== undefined) root.append(svg('path', { class: 'line before', d: path(points(data.before)) }));
  const current = points(data.values);
  const whole = current.slice(0, Math.max(data.finished, 1));
  if (current.length > 0) {
    root.append(svg('path', { class: 'area', d: `${path(current)}L${current.at(-1)[0]} ${bottom}L${current[0][0]} ${bottom}Z` }));
    root.append(svg('path', { class: 'line', d: path(whole) }));
    if (current.length > whole.length) root.append(svg('path', { class: 'line unfinished', d: path(current.slice(whole.length - 1)) }));
    if (current.length === 1) root.append(svg('circle', { class: 'dot', r: 4, cx: current[0][0], cy: current[0][1] }));
  }

  const cursor = svg('line', { class: 'cursor', y1: top, y2: bottom, visibility: 'hidden' });
  const dot = svg('circle', { class: 'dot', r: 5, visibility: 'hidden' });
  root.append(cursor, dot);
  let chosen = data.values.length - 1;
  const show = (i) => {
    if (current[i] === undefined) return;
    chosen = i;
    const [px, py] = current[i];
    cursor.setAttribute('x1', px);
    cursor.setAttribute('x2', px);
    dot.setAttribute('cx', px);
    dot.setAttribute('cy', py);
    for (const mark of [cursor, dot]) mark.setAttribute('visibility', 'visible');
    root.setAttribute('aria-valuenow', String(i));
    root.setAttribute('aria-valuetext', `${data.label(i)}: ${data.write(i)}`);
    const place = root.getBoundingClientRect();
    tooltip.show(place.left + px, place.top + py, i);
  };
  const hide = () => {
    for (const mark of [cursor, dot]) mark.setAttribute('visibility', 'hidden');
    tooltip.hide();
  };
  root.addEventListener('pointermove', (event) => {
    const at = event.clientX - root.getBoundingClientRect().left;
    show(Math.min(Math.max(Math.round(((at - left) / (right - left)) * last), 0), current.length - 1));
  });
  root.addEventListener('pointerleave', hide);
  root.addEventListener('focus', () => show(chosen));
  root.addEventListener('blur', hide);
  root.addEventListener('keydown', (event) => {
    const moves = { ArrowLeft: chosen - 1, ArrowRight: chosen + 1, Home: 0, End: current.length - 1 };
    const to = moves[event.key];
    if (to === undefined) return;
    event.preventDefault();
    show(Math.min(Math.max(to, 0), current.length - 1));
  });
  box.replaceChildren(root);
}

/** The shape of a series without any scale, for a card. */
export function sparkline(values) {
  const [width, height] = [84, 38];
  const highest = Math.max(...values, 0) || 1;
  const points = values.map((value, i) => [
    1 + ((width - 2) * i) / Math.max(values.length - 1, 1),
    height - 3 - ((height - 8) * value) / highest,
  ]);
  const root = svg('svg', { class: 'spark', viewBox: `0 0 ${width} ${height}`, 'aria-hidden': 'true' });
  if (points.length < 2) return root;
  root.append(svg('path', { class: 'area', d: `${path(points)}L${points.at(-1)[0]} ${height}L${points[0][0]} ${height}Z` }));
  root.append(svg('path', { class: 'line', d: path(points) }));
  return root;
}

/** One bar a minute. */
export function drawMinutes(box, values, describe) {
  const width = Math.max(box.clientWidth, 120);
  const height = Math.max(box.clientHeight, 40);
  const gap = 3;
  const bar = (width - gap * (values.length - 1)) / values.length;
  const highest = Math.max(...values, 1);
  const root = svg('svg', { width, height, role: 'img', 'aria-label': describe() });
  for (const [i, value] of values.entries()) {
    const tall = value === 0 ? 3 : Math.max(4, (height * value) / highest);
    const mark = svg('rect', {
      class: value === 0 ? 'empty' : '',
      x: i * (bar + gap),
      y: height - tall,
      width: bar,
      height: tall,
      rx: Math.min(2, bar / 2),
    });
    mark.append(svg('title', {}, describe(i)));
    root.append(mark);
  }
  box.replaceChildren(root);
}
