// The figures as a chart for light and dark pages: how many times faster than the other library, on
// a logarithmic scale, and how much of each limit is used.
import { figure } from './table.mjs';

const TITLES = {
  seen: 'token seen before',
  'seen-request': 'the same, whole request',
  'new-es256': 'new token, ES256',
  'new-es384': 'new token, ES384',
  'new-es512': 'new token, ES512',
  'new-rs256': 'new token, RS256',
  'new-ps256': 'new token, PS256',
  'new-eddsa': 'new token, EdDSA',
  'cached-get-token': 'exchanged token, kept',
  'gzip-kb': 'size of tollgate/verifier, gzip',
  'first-request-ms': 'first request of an isolate',
  'wasmtime-seen': 'token seen before, wasmtime',
  'native-seen': 'native: token seen before',
  'native-new-es256': 'native: new token, ES256',
  'native-new-eddsa': 'native: new token, EdDSA',
  'native-new-rs256': 'native: new token, RS256',
};

const WIDTH = 860;
const LEFT = 230;
const RIGHT = 640;
const ROW = 30;

const STYLE = `
  .page { fill: #ffffff } .ink { fill: #1b1f24 } .soft { fill: #59636e } .line { stroke: #d1d9e0 } .axis { stroke: #59636e }
  .good { fill: #2f6fde } .short { fill: #b35900 } .bar { stroke: #1b1f24 } .track { fill: #eef1f4 }
  text { font: 13px system-ui, sans-serif } .title { font-size: 15px; font-weight: 600 } .small { font-size: 12px } .end { text-anchor: end } .middle { text-anchor: middle }
  @media (prefers-color-scheme: dark) {
    .page { fill: #0d1117 } .ink { fill: #e6edf3 } .soft { fill: #9198a1 } .line { stroke: #2a313a } .axis { stroke: #9198a1 }
    .good { fill: #5b9cf5 } .short { fill: #e0893a } .bar { stroke: #e6edf3 } .track { fill: #1c2129 }
  }`;

/** @returns {string} an SVG document */
export function chart(rows) {
  const speeds = rows.filter(
    ({ name, unit, ratio, bar }) =>
      TITLES[name] !== undefined && (unit === 'µs' || bar.startsWith('ratio')) && ratio !== null,
  );
  const bounds = rows.filter(
    ({ name, ours, bar }) => TITLES[name] !== undefined && bar.startsWith('≤') && ours !== null,
  );
  const parts = [];
  let y = 16;
  if (speeds.length > 0) y = drawSpeeds(parts, speeds, y);
  if (bounds.length > 0) y = drawBounds(parts, bounds, y);
  const label = rows
    .filter(({ name }) => TITLES[name])
    .map(({ name, unit, ours }) => `${TITLES[name]}: ${figure(ours)} ${unit}`)
    .join('; ');
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y}" width="${WIDTH}" height="${y}" role="img" aria-label="${label}">
<style>${STYLE}
</style>
<rect class="page" width="${WIDTH}" height="${y}" rx="8"/>
${parts.join('\n')}
</svg>
`;
}

function drawSpeeds(parts, rows, top) {
  const exponents = rows.map(({ ratio }) => Math.log2(ratio));
  const low = Math.floor(Math.min(-3, ...exponents));
  const high = Math.ceil(Math.max(3, ...exponents));
  const x = (ratio) => LEFT + ((Math.log2(ratio) - low) / (high - low)) * (RIGHT - LEFT);
  const first = top + 54;
  const last = first + rows.length * ROW;
  parts.push(
    text(20, top + 14, 'ink title', 'Speed beside jose in one workerd process, natively beside the crate jsonwebtoken'),
  );
  parts.push(text(WIDTH - 20, top + 14, 'soft small end', 'Tollgate / the other, µs per call'));
  for (let exponent = low; exponent <= high; exponent++) {
    const at = x(2 ** exponent);
    parts.push(
      `<line class="${exponent === 0 ? 'axis' : 'line'}" x1="${at}" x2="${at}" y1="${first - 6}" y2="${last}"/>`,
    );
    parts.push(
      text(
        at,
        first - 12,
        'soft small middle',
        exponent === 0 ? 'equal' : exponent > 0 ? `${2 ** exponent}×` : `1/${2 ** -exponent}`,
      ),
    );
  }
  rows.forEach(({ name, unit, ours, peer, ratio, bar, met }, i) => {
    const y = first + i * ROW;
    const [from, to] = [x(1), x(ratio)];
    parts.push(text(LEFT - 14, y + 17, 'ink end', TITLES[name]));
    parts.push(
      `<rect class="${met === false ? 'short' : 'good'}" x="${Math.min(from, to)}" y="${y + 5}" width="${Math.max(1, Math.abs(to - from))}" height="16" rx="2"/>`,
    );
    if (bar.startsWith('ratio')) parts.push(mark(x(Number(bar.split(' ').at(-1))), y));
    parts.push(
      text(
        WIDTH - 20,
        y + 17,
        'ink end',
        `${figure(ours)} / ${figure(peer)}${unit === 'µs' ? '' : ` ${unit}`}${met === false ? '  missed' : ''}`,
      ),
    );
  });
  parts.push(
    text(
      LEFT,
      last + 20,
      'soft small',
      'Right of “equal”: Tollgate is faster. The short upright line is the project’s own bar.',
    ),
  );
  return last + 46;
}

function drawBounds(parts, rows, top) {
  parts.push(text(20, top + 14, 'ink title', 'Of what is allowed'));
  const first = top + 26;
  const most = Math.max(1, ...rows.map(({ ours, bar }) => ours / Number(bar.slice(2))));
  const scale = (RIGHT - LEFT) / most;
  rows.forEach(({ name, unit, ours, bar, met }, i) => {
    const y = first + i * ROW;
    const bound = Number(bar.slice(2));
    parts.push(text(LEFT - 14, y + 17, 'ink end', TITLES[name]));
    parts.push(`<rect class="track" x="${LEFT}" y="${y + 5}" width="${scale}" height="16" rx="2"/>`);
    parts.push(
      `<rect class="${met ? 'good' : 'short'}" x="${LEFT}" y="${y + 5}" width="${Math.max(1, (ours / bound) * scale)}" height="16" rx="2"/>`,
    );
    parts.push(mark(LEFT + scale, y));
    parts.push(text(WIDTH - 20, y + 17, 'ink end', `${figure(ours)} of ${bound} ${unit}${met ? '' : '  missed'}`));
  });
  return first + rows.length * ROW + 16;
}

function mark(x, y) {
  return `<line class="bar" x1="${x}" x2="${x}" y1="${y + 1}" y2="${y + 25}" stroke-width="2"/>`;
}

function text(x, y, classes, content) {
  return `<text class="${classes}" x="${x}" y="${y}">${content}</text>`;
}
