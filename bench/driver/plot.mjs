// Lines in an SVG, readable on light and on dark pages.

const WIDTH = 460,
  HEIGHT = 330;
const LEFT = 70,
  RIGHT = 16,
  TOP = 40,
  BOTTOM = 52;
const COLOURS = {
  herald: "#2f7ed8",
  "node-ws": "#d9822b",
  "node-uws": "#a259c4",
  "physical-each": "#4c9f50",
  "physical-coalesce": "#8a8f98",
};
const STYLE = `text{font:12px system-ui,sans-serif;fill:#555}.title{font-weight:600;font-size:13px}
.grid{stroke:#8886;stroke-width:1}.axis{stroke:#888;stroke-width:1}
@media (prefers-color-scheme:dark){text{fill:#bbb}}`;

const escape = (text) => String(text).replace(/&/g, "&amp;").replace(/</g, "&lt;");
const round = (value) => Math.round(value * 10) / 10;

function scale({ log, from, to }, low, high) {
  const [a, b] = log ? [Math.log10(from), Math.log10(to)] : [from, to];
  return (value) => low + (((log ? Math.log10(value) : value) - a) / (b - a || 1)) * (high - low);
}

// Round numbers: 1, 2, 5 and their tens.
function ticks(axis) {
  if (axis.ticks) return axis.ticks;
  if (axis.log) {
    const all = [];
    for (let ten = 10 ** Math.floor(Math.log10(axis.from)); ten <= axis.to; ten *= 10) all.push(ten);
    return all.filter((tick) => tick >= axis.from);
  }
  const rough = (axis.to - axis.from) / 5;
  const ten = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * ten).find((candidate) => candidate >= rough);
  return Array.from({ length: Math.floor(axis.to / step + 1e-9) + 1 }, (_, index) => index * step);
}

const label = (value) =>
  value >= 1e6
    ? `${round(value / 1e6)}M`
    : value >= 1000
      ? `${round(value / 1000)}k`
      : String(Number(value.toPrecision(3)));

// series: [{ name, points: [[x, y, hollow?]] }]; axes: { label, from, to, log?, ticks? }.
function panel({ title, x, y, series }, offset) {
  const [right, bottom] = [offset + WIDTH - RIGHT, HEIGHT - BOTTOM];
  const [px, py] = [scale(x, offset + LEFT, right), scale(y, bottom, TOP)];
  const out = [`<text class="title" x="${offset + LEFT}" y="22">${escape(title)}</text>`];
  for (const tick of ticks(y)) {
    const at = round(py(tick));
    out.push(
      `<path class="grid" d="M${offset + LEFT} ${at}H${right}"/><text x="${offset + LEFT - 8}" y="${at + 4}" text-anchor="end">${label(tick)}</text>`,
    );
  }
  for (const tick of ticks(x)) {
    const at = round(px(tick));
    out.push(
      `<path class="axis" d="M${at} ${bottom}v5"/><text x="${at}" y="${bottom + 19}" text-anchor="middle">${label(tick)}</text>`,
    );
  }
  out.push(`<path class="axis" d="M${offset + LEFT} ${TOP}V${bottom}H${right}" fill="none"/>`);
  out.push(
    `<text x="${(offset + LEFT + right) / 2}" y="${HEIGHT - 12}" text-anchor="middle">${escape(x.label)}</text>`,
  );
  const middle = (TOP + bottom) / 2;
  out.push(
    `<text transform="rotate(-90 ${offset + 16} ${middle})" x="${offset + 16}" y="${middle}" text-anchor="middle">${escape(y.label)}</text>`,
  );
  for (const { name, points } of series) {
    const colour = COLOURS[name] ?? "#888";
    const at = points.map(([a, b, hollow]) => [round(px(a)), round(py(b)), hollow]);
    out.push(
      `<path d="M${at.map(([a, b]) => `${a} ${b}`).join("L")}" fill="none" stroke="${colour}" stroke-width="2"/>`,
    );
    out.push(
      ...at.map(
        ([a, b, hollow]) =>
          `<circle cx="${a}" cy="${b}" r="3.5" stroke="${colour}" fill="${hollow ? "none" : colour}"/>`,
      ),
    );
  }
  return out.join("\n");
}

export function svg(panels) {
  const [width, height] = [WIDTH * panels.length, HEIGHT + 24];
  const names = [...new Set(panels.flatMap(({ series }) => series.map(({ name }) => name)))];
  const legend = names.map((name, index) => {
    const at = LEFT + index * 150;
    return `<path d="M${at} ${HEIGHT + 8}h22" stroke="${COLOURS[name] ?? "#888"}" stroke-width="3"/><text x="${at + 28}" y="${HEIGHT + 12}">${escape(name)}</text>`;
  });
  const wide = Math.max(width, LEFT + names.length * 150);
  const title = panels.map((one) => one.title).join("; ");
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${wide} ${height}" width="${wide}" height="${height}" role="img">
<title>${escape(title)}</title><style>${STYLE}</style>
${panels.map((one, index) => panel(one, index * WIDTH)).join("\n")}
${legend.join("\n")}
</svg>
`;
}
