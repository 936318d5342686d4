/* The posterior as a curve with a threshold that can be dragged, and the probability of benefit
   against the threshold. */
(function (BP) {
  "use strict";

  const charts = BP.charts || (BP.charts = require("./charts.js").charts);
  const {
    TEXT, SMALL, NARROW, widthOf, tidy, add, say, roomOf, start, finish, probability, short,
    scaleOf, effectAxis, boxOf, settle,
  } = charts.parts;
  const STEP = 3; // pixels between the places at which curves are asked for their height

  /** The path of a curve through points in pixels; one point a pixel is enough. */
  function pathOf(xs, ys) {
    let d = "";
    let last = -9;
    for (let i = 0; i < xs.length; i++) {
      if (!Number.isFinite(ys[i]) || (xs[i] - last < 0.9 && i < xs.length - 1)) continue;
      d += `${d ? "L" : "M"}${xs[i].toFixed(1)} ${ys[i].toFixed(1)}`;
      last = xs[i];
    }
    return d;
  }

  /** The value of a curve at x by straight lines; x ascends. */
  function heightAt(xs, ys, x) {
    if (!(x >= xs[0] && x <= xs[xs.length - 1])) return NaN;
    let [low, high] = [0, xs.length - 1];
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (xs[middle] <= x) low = middle;
      else high = middle;
    }
    const share = xs[high] > xs[low] ? (x - xs[low]) / (xs[high] - xs[low]) : 0;
    return ys[low] + share * (ys[high] - ys[low]);
  }

  /** A test whether a box touches one of these curves, {xs, ys} in pixels. */
  function crossing(curves) {
    const tables = curves.map(({ xs, ys }) => {
      const heights = [];
      for (let x = xs[0]; x <= xs[xs.length - 1]; x += STEP) heights.push(heightAt(xs, ys, x));
      return [xs[0], heights];
    });
    return (box) =>
      tables.some(([from, heights]) => {
        const first = Math.max(Math.floor((box[0] - from) / STEP), 0);
        const last = Math.min(Math.ceil((box[2] - from) / STEP), heights.length - 1);
        let [top, bottom] = [Infinity, -Infinity];
        for (let i = first; i <= last; i++) {
          // Steep curves pass a box between two places: the range of neighbours counts.
          const pair = [heights[i], heights[Math.min(i + 1, last)]];
          top = Math.min(...pair);
          bottom = Math.max(...pair);
          if (top < box[3] && bottom > box[1]) return true;
        }
        return false;
      });
  }

  /** Places beside a curve for its name, those far from the other curves first. */
  function spotsBeside(curve, others, frame) {
    const spots = [];
    for (let x = frame[0] + 4; x < frame[2]; x += 8) {
      const y = heightAt(curve.xs, curve.ys, x);
      if (!Number.isFinite(y)) continue;
      const gaps = others.map((other) => Math.abs(heightAt(other.xs, other.ys, x) - y)).filter(Number.isFinite);
      const room = Math.min(40, ...gaps);
      const tall = (frame[3] - y) / (frame[3] - frame[1]);
      const slope = heightAt(curve.xs, curve.ys, x + 4) - heightAt(curve.xs, curve.ys, x - 4) || 0;
      const side = slope > 0 ? "start" : "end"; // above the slope, where it is open
      const under = others.some((other) => other.kind === "c-own" && heightAt(other.xs, other.ys, x) < y);
      const score = room + 25 * Math.min(tall, 0.8) - (under ? 20 : 0);
      const sign = side === "start" ? 1 : -1;
      for (const [loss, dx, dy] of [[0, 7, 2], [2, 5, -3], [6, 3, -8], [9, 8, 9]])
        spots.push([score - loss, [x + sign * dx, y + dy, side]]);
      spots.push([score - 4, [x, y - 7, "middle"]]);
    }
    return spots.sort((a, b) => b[0] - a[0]).map(([, spot]) => spot);
  }

  // ---- the handle: its listeners stand on the host, because a redraw replaces the handle itself
  const dragged = new WeakMap();

  function listen(host, now) {
    const known = dragged.get(host);
    if (known) return Object.assign(known, now);
    const state = { ...now, pointer: null };
    dragged.set(host, state);
    const natural = (event) => {
      const svg = host.querySelector("svg");
      const box = svg.getBoundingClientRect();
      const x = ((event.clientX - state.offset - box.left) / box.width) * state.width;
      return snapped(state.scale, x, state.marks);
    };
    const tell = (event) => {
      const value = natural(event);
      if (value !== state.told && state.onThreshold) state.onThreshold((state.told = value));
    };
    host.addEventListener("pointerdown", (event) => {
      if (!event.isPrimary || event.button || !event.target.closest(".c-handle")) return;
      event.preventDefault();
      const box = host.querySelector("svg").getBoundingClientRect();
      state.offset = event.clientX - box.left - (state.scale.at(state.threshold) / state.width) * box.width;
      state.told = state.threshold;
      state.pointer = event.pointerId;
      host.setPointerCapture(event.pointerId);
    });
    host.addEventListener("pointermove", (event) => {
      if (event.pointerId === state.pointer) tell(event);
    });
    for (const kind of ["pointerup", "pointercancel", "lostpointercapture"])
      host.addEventListener(kind, (event) => {
        if (event.pointerId === state.pointer) state.pointer = null;
      });
    return state;
  }

  /**
   * The value under a pixel, with no more digits than pixels can tell; near a mark, the mark.
   * @param {Object} scale
   * @param {number} x
   * @param {number[]} marks natural values that attract
   */
  function snapped(scale, x, marks) {
    const place = Math.min(Math.max(x, scale.left), scale.right);
    const near = marks.find((mark) => scale.beyond(mark) === 0 && Math.abs(scale.at(mark) - place) < 3);
    if (near !== undefined) return near;
    const value = scale.value(place);
    const pixel = Math.abs(scale.value(place + 1) - value);
    const digits = -Math.ceil(Math.log10(pixel) - 0.3);
    const unit = 10 ** -digits;
    return Math.min(Math.max(Number((Math.round(value / unit) * unit).toFixed(Math.max(digits, 0))), scale.low), scale.high);
  }

  function drawHandle(svg, x, top, bottom, text, width) {
    const group = add(svg, "g", { class: "c-handle c-live" });
    const wide = widthOf(text, TEXT, true) + 34;
    const left = Math.min(Math.max(x - wide / 2, 1), width - wide - 1);
    add(group, "rect", { x: x - 12, y: top + 22, width: 24, height: bottom - top - 22, class: "c-hit c-hit-line" });
    add(group, "rect", { x: left - 6, y: top - 10, width: wide + 12, height: 44, class: "c-hit" });
    add(group, "rect", { x: left, y: top, width: wide, height: 24, rx: 12, class: "c-pill" });
    const middle = left + wide / 2;
    for (const side of [-1, 1])
      add(group, "path", { d: `M${tidy(middle + side * (wide / 2 - 11))} ${top + 8}l${4 * side} 4l${-4 * side} 4`, class: "c-chevron" });
    say(group, middle, top + 16.5, text, "c-bold c-on-pill", "middle");
    return [left, top, left + wide, top + 24];
  }

  /** Draw the densities; `shares` are two texts for the sides of the threshold, below and above. */
  function density(host, { axis, x, posterior, prior, predicted, threshold, important, onThreshold, shares, width: given }) {
    const width = roomOf(host, 760, given);
    const narrow = width < NARROW;
    const svg = start(width);
    const [left, right, top, bottom] = [12, width - 12, 64, narrow ? 270 : 320];
    const scale = scaleOf(axis.ratio, x[0], x[x.length - 1], left, right);
    const xs = Array.from(x, scale.at);
    const finite = (list) => list.reduce((most, v) => (Number.isFinite(v) && v > most ? v : most), 0);
    const peak = Math.max(finite(posterior), 0.6 * finite(predicted || []), 0.25 * finite(prior || [])) || 1;
    const toY = (v) => bottom - Math.min(v / peak, 1.06) * (bottom - top - 6) ;
    const line = (list, name, kind) => list && { xs, ys: Array.from(list, toY), name, kind };
    const main = line(posterior, "mean effect", "c-own");
    const others = [line(predicted, "new trial", "c-fresh"), line(prior, "prior", "c-soft")].filter(Boolean);
    const at = scale.at(threshold);

    // Two areas, one on each side of the threshold.
    const lower = axis.better === "higher" ? "c-worse" : "c-better";
    const upper = axis.better === "higher" ? "c-better" : "c-worse";
    const area = (from, to, kind) => {
      if (to - from < 0.5) return;
      const inside = xs.map((v, i) => [v, main.ys[i]]).filter(([v]) => v > from && v < to);
      const points = [[from, heightAt(xs, main.ys, from)], ...inside, [to, heightAt(xs, main.ys, to)]];
      const d = pathOf(points.map((p) => p[0]), points.map((p) => p[1]));
      add(svg, "path", { d: `${d}V${bottom}H${tidy(from)}z`, class: kind });
    };
    area(left, at, lower);
    area(at, right, upper);
    if (scale.beyond(axis.none) === 0)
      add(svg, "path", { d: `M${tidy(scale.at(axis.none))} ${top - 8}V${bottom}`, class: "c-none" });
    for (const each of [...others, main]) add(svg, "path", { d: pathOf(each.xs, each.ys), class: `c-curve ${each.kind}` });

    const text = `${axis.symbol} ${short(threshold)}`;
    const pill = [26, 50];
    add(svg, "path", { d: `M${tidy(at)} ${pill[1]}V${bottom}`, class: "c-threshold" });
    const sides = shares || [`${axis.symbol} < ${short(threshold)}`, `${axis.symbol} > ${short(threshold)}`];
    add(svg, "rect", { x: 0, y: 4, width: 11, height: 11, class: `c-swatch ${lower}` });
    say(svg, 16, 14, sides[0], narrow ? "c-small" : "");
    add(svg, "rect", { x: width - 11, y: 4, width: 11, height: 11, class: `c-swatch ${upper}` });
    say(svg, width - 16, 14, sides[1], narrow ? "c-small" : "", "end");
    let taken = [];
    if (onThreshold) {
      taken = [drawHandle(svg, at, pill[0], bottom, text, width)];
    }
    // A file and a chart without a handle have the threshold as plain text.
    const said = add(svg, "g", onThreshold ? { class: "c-file", display: "none" } : {});
    const half = widthOf(text, TEXT, true) / 2;
    say(said, Math.min(Math.max(at, half), width - half), 43, text, "c-bold", "middle");
    taken.push([at - 2, pill[1], at + 2, bottom]);

    const frame = [left, top - 14, right, bottom - 1];
    const labels = [];
    if (important != null && scale.beyond(important) === 0 && important !== threshold) {
      const place = scale.at(important);
      add(svg, "path", { d: `M${tidy(place)} ${top - 8}V${bottom}`, class: "c-important" });
      labels.push({ text: `important: ${short(important)}`, kind: "c-faint",
        spots: [0, 14, 28].flatMap((down) => [[place - 5, top + down, "end"], [place + 5, top + down, "start"]]) });
    }
    const lines = [important, axis.none].filter((v) => v != null && scale.beyond(v) === 0).map(scale.at);
    const curves = [main, ...others];
    for (const each of curves)
      labels.push({ text: each.name, kind: `${each.kind}-text`, curve: each, bold: each === main,
        spots: spotsBeside(each, curves.filter((other) => other !== each), frame) });
    const touches = crossing(curves);
    const spots = settle(labels, frame, taken, (box) => touches(box) || lines.some((v) => v > box[0] && v < box[2]));
    let y = effectAxis(svg, scale, axis, bottom, [0, width]);
    y = drawKey(svg, nameAll(svg, labels, spots), width, y);
    return finish(host, listenTo(), width, y, says());

    function listenTo() {
      const marks = [axis.none, ...(important == null ? [] : [important])];
      if (onThreshold || dragged.has(host)) listen(host, { scale, width, threshold, onThreshold, marks });
      return svg;
    }

    function says() {
      const best = xs[main.ys.indexOf(Math.min(...main.ys))];
      const peaked = short(Number(scale.value(best).toPrecision(2)));
      return `Posterior density of the mean effect, ${axis.label.toLowerCase()}: highest near ${peaked}. ` +
        `Threshold at ${short(threshold)}: ${shares ? shares.join("; ") : `about ${shareBelow(xs, posterior, at)} % of the area lies below it`}.`;
    }
  }

  function shareBelow(xs, heights, at) {
    let [below, all] = [0, 0];
    for (let i = 1; i < xs.length; i++) {
      const part = ((heights[i] + heights[i - 1]) / 2) * (xs[i] - xs[i - 1]);
      const share = Math.min(Math.max((at - xs[i - 1]) / (xs[i] - xs[i - 1] || 1), 0), 1);
      all += part;
      below += share * part;
    }
    return Math.round((100 * below) / (all || 1));
  }

  /** Write the labels that have a spot; return the others. */
  function nameAll(svg, labels, spots) {
    labels.forEach((label, i) => {
      if (!spots[i]) return;
      const [x, y, anchor] = spots[i];
      say(svg, x, y, label.text, `c-small ${label.kind}${label.bold ? " c-bold" : ""}`, anchor);
    });
    return labels.filter((_, i) => !spots[i]);
  }

  /** Names of curves that found no place beside them. */
  function drawKey(svg, labels, width, y) {
    let x = 0;
    for (const label of labels) {
      const wide = 30 + widthOf(label.text, SMALL, true) + 16;
      if (x && x + wide > width) [x, y] = [0, y + 17];
      const kind = label.curve ? `c-curve ${label.curve.kind}` : "c-important";
      add(svg, "path", { d: `M${x} ${y + 8}h24`, class: kind });
      say(svg, x + 30, y + 12, label.text, `c-small ${label.kind}`);
      x += wide;
    }
    return labels.length ? y + 20 : y;
  }

  /** Draw P against the threshold; `at` {mean, fresh} are exact values at the threshold, if known. */
  function curve(host, { axis, x, mean, fresh, threshold, at, width: given }) {
    const width = roomOf(host, 760, given);
    const svg = start(width);
    const [left, right, top, bottom] = [36, width - 8, 46, width < NARROW ? 246 : 286];
    const scale = scaleOf(axis.ratio, x[0], x[x.length - 1], left, right);
    const xs = Array.from(x, scale.at);
    const toY = (p) => bottom - p * (bottom - top);
    const sign = axis.better === "higher" ? ">" : "<";
    say(svg, 0, 12, `P(${axis.symbol} ${sign} threshold)`, "");
    for (const p of [0, 0.25, 0.5, 0.75, 1]) {
      add(svg, "path", { d: `M${left} ${tidy(toY(p))}H${right}`, class: "c-hair" });
      say(svg, left - 6, toY(p) + 4, String(p), "c-small", "end");
    }
    if (scale.beyond(axis.none) === 0)
      add(svg, "path", { d: `M${tidy(scale.at(axis.none))} ${top}V${bottom}`, class: "c-none" });
    const place = scale.at(threshold);
    add(svg, "path", { d: `M${tidy(place)} ${top - 4}V${bottom}`, class: "c-threshold" });
    const curves = [
      { values: mean, exact: at && at.mean, name: "mean effect", kind: "c-own", bold: true },
      { values: fresh, exact: at && at.fresh, name: "new trial", kind: "c-fresh", bold: false },
    ].filter((each) => each.values);
    for (const each of curves) {
      each.xs = xs;
      each.ys = Array.from(each.values, toY);
      each.p = each.exact ?? heightAt(xs, each.values, place);
      each.text = `${each.name} ${probability(each.p)}`;
    }
    for (const each of [...curves].reverse())
      add(svg, "path", { d: pathOf(each.xs, each.ys), class: `c-curve ${each.kind}` });
    const words = `${axis.symbol} ${short(threshold)}`;
    const half = widthOf(words, SMALL, true) / 2;
    const above = [Math.min(Math.max(place, left + half), right - half), top - 9, "middle"];
    say(svg, above[0], above[1], words, "c-small c-bold", "middle");

    const dots = curves.map((each) => toY(each.p));
    const taken = dots.map((y) => [place - 6, y - 6, place + 6, y + 6]);
    taken.push([place - 1, top, place + 1, bottom], boxOf(words, above, SMALL, true));
    const labels = curves.map((each, i) => ({
      text: each.text, bold: each.bold, kind: `c-halo ${each.kind}-text`, curve: each,
      spots: spotsAround(place, dots, i, sign === "<"),
    }));
    const spots = settle(labels, [left, top - 20, right, bottom - 1], taken, crossing(curves));
    curves.forEach((each, i) => add(svg, "circle", { cx: place, cy: dots[i], r: 4, class: `c-dot ${each.kind}` }));
    let y = effectAxis(svg, scale, axis, bottom, [0, width]);
    y = drawKey(svg, nameAll(svg, labels, spots), width, y);
    const label =
      `Probability against the threshold. P(${axis.symbol} ${sign} ${short(threshold)}): ` +
      `${curves.map((each) => each.text).join(", ")}.`;
    return finish(host, svg, width, y, label);
  }

  /** Places near dot i, on the open side of its curve first; never nearer to the other dot. */
  function spotsAround(x, dots, i, rising) {
    const y = dots[i];
    const others = dots.filter((_, j) => j !== i);
    const upper = others.every((other) => y <= other);
    const first = upper === rising ? "end" : "start";
    const spots = [];
    const second = first === "end" ? "start" : "end";
    // Beyond the other curve a name would seem to belong to that one.
    for (const side of others.length ? [first] : [first, second])
      for (const away of [9, 22, 40])
        for (const down of upper ? [4, -8, -20, 16, 28] : [4, 14, 28, -8, -20])
          if (others.every((other) => Math.abs(y + down - 4 - other) > Math.abs(down - 4) + 6))
            spots.push([x + (side === "end" ? -away : away), y + down, side]);
    return spots;
  }

  Object.assign(charts, { density, curve });
  Object.assign(charts.parts, { pathOf, heightAt, crossing, snapped, shareBelow });
})(typeof module === "object" && module.exports ? module.exports : (globalThis.BP = globalThis.BP || {}));
