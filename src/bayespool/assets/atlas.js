/* The prior atlas: a probability over a plane of priors, with contour lines and the named priors. */
(function (BP) {
  "use strict";

  const charts = BP.charts || (BP.charts = require("./charts.js").charts);
  const {
    SMALL, widthOf, cut, tidy, add, say, roomOf, start, finish, probability, scaleOf, ticks,
    boxOf, settle,
  } = charts.parts;
  // The same colour means the same probability in every atlas; steps are finer towards 0 and 1.
  const BREAKS = [0.01, 0.025, 0.05, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 0.95, 0.975, 0.99];

  /**
   * Marching squares over a grid of values: the polygons of p >= level, and the line p = level.
   * Places are in steps of the grid, [column, row].
   * @param {number[][]} p rows of values
   * @param {number} level
   * @returns {{polygons: number[][][], lines: number[][][]}}
   */
  function contour(p, level) {
    const polygons = [];
    const points = new Map();
    const links = new Map();
    const link = (a, b) => {
      for (const [from, to] of [[a, b], [b, a]]) links.set(from, [...(links.get(from) || []), to]);
    };
    for (let i = 0; i + 1 < p.length; i++) {
      let run = -1; // first column of a run of cells that are wholly inside
      for (let j = 0; j + 1 < p[i].length; j++) {
        const [a, b, c, d] = [p[i][j], p[i][j + 1], p[i + 1][j + 1], p[i + 1][j]];
        const inside = (a >= level) + (b >= level) + (c >= level) + (d >= level);
        const full = inside === 4;
        if (full && run < 0) run = j;
        if (run >= 0 && (!full || j + 2 === p[i].length)) {
          const end = full ? j + 1 : j;
          polygons.push([[run, i], [end, i], [end, i + 1], [run, i + 1]]);
          run = -1;
        }
        if (full || !inside || !Number.isFinite(a + b + c + d)) continue;
        const corners = [[j, i], [j + 1, i], [j + 1, i + 1], [j, i + 1]];
        polygons.push(cell(corners, [a, b, c, d], level, points, link));
      }
    }
    return { polygons, lines: chains(points, links) };
  }

  /** The part of one cell at or above the level; its new edges become links of the line. */
  function cell(corners, values, level, points, link) {
    const polygon = [];
    const crossings = []; // [key, true where the boundary leaves the inside]
    for (let c = 0; c < 4; c++) {
      const d = (c + 1) % 4;
      const [here, next] = [values[c] >= level, values[d] >= level];
      if (here) polygon.push(corners[c]);
      if (here === next) continue;
      const share = (level - values[c]) / (values[d] - values[c]);
      const [[x0, y0], [x1, y1]] = [corners[c], corners[d]];
      const point = [x0 + share * (x1 - x0), y0 + share * (y1 - y0)];
      polygon.push(point);
      // An edge of the grid has one name in both cells that share it.
      const key = `${Math.min(x0, x1)},${Math.min(y0, y1)},${y0 === y1 ? "h" : "v"}`;
      if (!points.has(key)) points.set(key, point);
      crossings.push([key, here]);
    }
    crossings.forEach(([key, leaves], k) => {
      if (leaves) link(key, crossings[(k + 1) % crossings.length][0]);
    });
    return polygon;
  }

  /** Join links into lines: open ones from their ends, then closed ones. */
  function chains(points, links) {
    const lines = [];
    const used = new Set();
    const walk = (first) => {
      const line = [first];
      used.add(first);
      for (let at = first; ; ) {
        const next = links.get(at).find((key) => !used.has(key));
        if (next === undefined) break;
        used.add(next);
        line.push(next);
        at = next;
      }
      if (line.length > 2 && links.get(line[line.length - 1]).includes(first) && links.get(first).length > 1) line.push(first);
      return line.map((key) => points.get(key));
    };
    const keys = [...links.keys()];
    for (const key of [...keys.filter((k) => links.get(k).length === 1), ...keys])
      if (!used.has(key)) lines.push(walk(key));
    return lines;
  }

  /** Names for dots: beside, above, below, then farther away with a line to the dot. */
  function spotsAround(x, y) {
    const spots = [];
    for (const away of [9, 20, 34, 50, 70])
      for (const [dx, dy] of [[1, 0], [-1, 0], [0, -1], [0, 1], [1, -1], [1, 1], [-1, -1], [-1, 1]])
        spots.push([x + dx * away * (dy ? 0.75 : 1), y + 4 + dy * (away + (dy > 0 ? 4 : 0)) * (dx ? 0.75 : 1),
          dx > 0 ? "start" : dx < 0 ? "end" : "middle"]);
    return spots;
  }

  function plate(svg, text, spot, kind, bold = false) {
    const [left, top, right, bottom] = boxOf(text, spot, SMALL, bold, 1.5);
    add(svg, "rect", { x: left - 1, y: top, width: right - left + 2, height: bottom - top, rx: 2, class: "c-plate" });
    say(svg, spot[0], spot[1], text, `c-small ${kind}${bold ? " c-bold" : ""}`, spot[2]);
  }

  /** A place on the plane; `out` is the direction in which it lies beyond the edge. */
  function placeOf(scales, { sd, scale }) {
    const [sx, sy] = scales;
    return { x: sx.at(scale), y: sy.at(sd), out: [sx.beyond(scale), -sy.beyond(sd)] };
  }

  /** From a place in steps of the grid, [column, row], to one on the screen. */
  function pixelsOf(columns, rows) {
    const between = (list, at) => {
      const i = Math.min(Math.floor(at), list.length - 2);
      return list[i] + (at - i) * (list[i + 1] - list[i]);
    };
    return ([column, row]) => [between(columns, column), between(rows, row)];
  }

  function pointer(svg, { x, y, out: [dx, dy] }, kind) {
    const size = Math.hypot(dx, dy);
    const [ux, uy] = [dx / size, dy / size];
    const from = (along, across) => `${tidy(x + along * ux - across * uy)} ${tidy(y + along * uy + across * ux)}`;
    add(svg, "path", { d: `M${from(-1, 0)}L${from(-11, 5.5)}L${from(-11, -5.5)}z`, class: kind });
  }

  /** Draw the atlas: rows of `p` are `sds` (upwards), each with one value a scale (across). */
  function atlas(host, { sds, scales, p, levels, here, named, words, width: given }) {
    const width = roomOf(host, 600, given);
    const svg = start(width);
    const [left, right, top] = [52, width - 10, 24];
    const bottom = top + Math.min(0.78 * (right - left), 400);
    const sx = scaleOf(true, scales[0], scales[scales.length - 1], left, right);
    const sy = scaleOf(true, sds[0], sds[sds.length - 1], bottom, top);
    const [columns, rows] = [scales.map(sx.at), sds.map(sy.at)]; // as in the figure on paper
    const pixels = pixelsOf(columns, rows);
    const path = (points) => points.map((point, i) => {
      const [x, y] = pixels(point);
      return `${i ? "L" : "M"}${Math.round(10 * x) / 10} ${Math.round(10 * y) / 10}`;
    }).join("");

    const values = p.flat().filter(Number.isFinite);
    const [least, most] = values.reduce(([a, b], v) => [Math.min(a, v), Math.max(b, v)], [Infinity, -Infinity]);
    const band = (v) => BREAKS.filter((level) => v >= level).length;
    say(svg, 0, 13, cut(words.y, width), "");
    add(svg, "rect", { x: left, y: top, width: right - left, height: bottom - top, class: `c-q${band(least)}` });
    const known = new Map();
    const at = (level) => known.get(level) || known.set(level, contour(p, level)).get(level);
    for (let k = band(least); k < band(most); k++)
      add(svg, "path", { d: at(BREAKS[k]).polygons.map((each) => `${path(each)}z`).join(""), class: `c-q${k + 1}` });
    const lines = levels.filter((level) => level > least && level <= most)
      .flatMap((level) => at(level).lines.map((line) => ({ level, line })));
    if (lines.length) {
      const d = lines.map(({ line }) => path(line)).join("");
      add(svg, "path", { d, class: "c-contour-under" });
      add(svg, "path", { d, class: "c-contour" });
    }
    add(svg, "rect", { x: left, y: top, width: right - left, height: bottom - top, class: "c-frame" });
    axes(svg, sx, sy, words, width);

    const frame = [left + 1, top + 1, right - 1, bottom - 1];
    const spots = dots([sx, sy], here, named, frame);
    const taken = spots.taken;
    drawDots(svg, spots);
    contourLabels(svg, lines, pixels, frame, taken);
    const y = legend(svg, words.p, band(least), band(most), bottom + 48, width);
    const yours = here ? ` At your prior: about ${probability(valueAt(p, scales, sds, here))}.` : "";
    const label = `Map of ${words.p} over priors: from ${probability(least)} to ${probability(most)}.${yours}`;
    return finish(host, svg, width, y, label);
  }

  /** Places of the dots and of their names, "you are here" first. */
  function dots(planes, here, named, frame) {
    const all = named.map((each) => ({ ...each, ...placeOf(planes, each), ring: false }));
    if (here) all.unshift({ label: "you are here", ...placeOf(planes, here), ring: true });
    const taken = all.map(({ x, y, ring }) => {
      const r = ring ? 10 : 6;
      return [x - r, y - r, x + r, y + r];
    });
    const labels = all.map(({ x, y, label, ring }) => ({
      text: cut(label, 0.5 * (frame[2] - frame[0]), SMALL, ring), bold: ring, spots: spotsAround(x, y),
    }));
    return { all, taken, labels, spots: settle(labels, frame, taken) };
  }

  function drawDots(svg, { all, labels, spots }) {
    all.forEach(({ x, y }, i) => {
      const spot = spots[i];
      if (!spot || Math.hypot(spot[0] - x, spot[1] - 4 - y) < 24) return;
      add(svg, "path", { d: `M${tidy(x)} ${tidy(y)}L${tidy(spot[0])} ${tidy(spot[1] - 4)}`, class: "c-leader" });
    });
    all.forEach((each) => {
      const group = add(svg, "g", {});
      add(group, "title", {}, each.label);
      if (each.out[0] || each.out[1]) pointer(group, each, each.ring ? "c-here-arrow" : "c-named");
      else if (!each.ring) add(group, "circle", { cx: each.x, cy: each.y, r: 4, class: "c-named" });
    });
    all.filter(({ ring, out }) => ring && !out[0] && !out[1]).forEach(({ x, y }) => {
      add(svg, "circle", { cx: x, cy: y, r: 8, class: "c-here-under" });
      add(svg, "circle", { cx: x, cy: y, r: 8, class: "c-here" });
    });
    labels.forEach((label, i) => spots[i] && plate(svg, label.text, spots[i], "c-on-plate", label.bold));
  }

  /** A label on each line, near its middle where there is room. */
  function contourLabels(svg, lines, pixels, frame, taken) {
    for (const { level, line } of lines) {
      const points = line.map(pixels);
      const middle = points.length / 2;
      const order = points.map((point, i) => [Math.abs(i - middle), point]).sort((a, b) => a[0] - b[0]);
      const spots = order.map(([, [x, y]]) => [x, y + 4, "middle"]);
      const text = String(level);
      const [spot] = settle([{ text, spots }], frame, taken);
      if (spot) plate(svg, text, spot, "c-on-plate");
    }
  }

  function axes(svg, sx, sy, words, width) {
    const { left, right } = sx;
    const bottom = sy.left;
    for (const tick of ticks(sx)) {
      add(svg, "path", { d: `M${tidy(tick.x)} ${tidy(bottom)}v5`, class: "c-axis" });
      say(svg, tick.x, bottom + 17, tick.text, "c-small", "middle");
    }
    for (const tick of ticks(sy)) {
      add(svg, "path", { d: `M${left} ${tidy(tick.x)}h-5`, class: "c-axis" });
      say(svg, left - 7, tick.x + 4, tick.text, "c-small", "end");
    }
    const text = cut(words.x, width);
    const half = widthOf(text) / 2;
    say(svg, Math.min(Math.max((left + right) / 2, half), width - half), bottom + 35, text, "", "middle");
  }

  /** The colours that the map holds, with the probabilities between them. */
  function legend(svg, text, first, last, y, width) {
    say(svg, 0, y + 12, text, "c-small c-bold");
    const from = widthOf(text, SMALL, true) + 14;
    const count = last - first + 1;
    const below = from + count * 26 > width;
    const left = below ? 0 : from;
    const line = below ? y + 20 : y + 2;
    const wide = Math.min((width - left) / count, 44);
    for (let k = first; k <= last; k++)
      add(svg, "rect", { x: left + (k - first) * wide, y: line, width: wide, height: 12, class: `c-q${k}` });
    if (count === 1) {
      const bounds = [first ? BREAKS[first - 1] : 0, BREAKS[first] ?? 1];
      say(svg, left + wide + 6, line + 10, bounds.join(" to "), "c-small");
    }
    let free = -Infinity;
    for (let k = first; k < last; k++) {
      const x = left + (k - first + 1) * wide;
      const half = widthOf(String(BREAKS[k]), SMALL) / 2;
      if (x - half < free + 4) continue;
      say(svg, x, line + 25, String(BREAKS[k]), "c-small", "middle");
      free = x + half;
    }
    return line + 31;
  }

  /** The value at a prior by interpolation on the log axes; outside, that of the nearest edge. */
  function valueAt(p, scales, sds, { sd, scale }) {
    const where = (list, v) => {
      const x = Math.log(Math.min(Math.max(v, list[0]), list[list.length - 1]));
      let i = 0;
      while (i < list.length - 2 && Math.log(list[i + 1]) < x) i++;
      return [i, (x - Math.log(list[i])) / (Math.log(list[i + 1]) - Math.log(list[i]))];
    };
    const [[i, a], [j, b]] = [where(sds, sd), where(scales, scale)];
    const row = (k) => p[k][j] + b * (p[k][j + 1] - p[k][j]);
    return row(i) + a * (row(i + 1) - row(i));
  }

  Object.assign(charts, { atlas });
  Object.assign(charts.parts, { contour, placeOf, pixelsOf, valueAt, spotsAround });
})(typeof module === "object" && module.exports ? module.exports : (globalThis.BP = globalThis.BP || {}));
