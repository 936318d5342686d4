/* Charts in plain SVG: what all of them share (text, numbers, axes, places of labels, files).
   forest.js, density.js and atlas.js add the charts themselves to BP.charts. */
(function (BP) {
  "use strict";

  /**
   * @typedef {{ratio: boolean, none: number, label: string, symbol: string,
   *            better: "lower"|"higher"|null}} Axis  What the numbers of a chart are.
   * @typedef {{ratio: boolean, low: number, high: number, left: number, right: number,
   *            at: function(number): number, value: function(number): number,
   *            beyond: function(number): number}} Scale  From natural units to pixels and back.
   * @typedef {[number, number, number, number]} Box  left, top, right, bottom
   *
   * Every chart takes its host (an element, whose content it replaces) and one object, in natural
   * units; `width` in it is optional. Each returns its <svg>.
   */

  const NS = "http://www.w3.org/2000/svg";
  const TEXT = 12;
  const SMALL = 11;
  const NARROW = 520;
  const MARGIN = 12; // around a chart in a file of its own

  /* Advance widths of DejaVu Sans in hundredths of an em, from the space to the tilde. Its letters
     are wider than those of the other faces in the font list, so measured text always fits. */
  const WIDTHS = (
    "32 40 46 84 64 95 78 27 39 39 50 84 32 36 32 34 64 64 64 64 64 64 64 64 64 64 34 34 84 84 84 53 " +
    "100 68 69 70 77 63 58 77 75 29 29 66 56 86 75 79 60 79 69 63 61 73 68 99 69 61 69 39 34 39 84 50 " +
    "50 61 63 55 63 62 35 63 63 28 28 58 28 97 63 61 63 63 41 52 39 63 59 82 59 59 52 64 34 64 84"
  ).split(" ").map(Number);

  /** Width of a text in pixels. */
  function widthOf(text, size = TEXT, bold = false) {
    let sum = 0;
    for (const letter of text) {
      const code = letter.codePointAt(0);
      if (code >= 0x300 && code < 0x370) continue; // marks set over the letter before
      if (code >= 32 && code < 127) sum += WIDTHS[code - 32];
      else sum += code > 126 && code < 0x1100 ? 72 : code === 0x2212 ? 84 : 104;
    }
    return (sum * size * (bold ? 1.12 : 1)) / 100;
  }

  /** Cut a text to `room` pixels, with an ellipsis. */
  function cut(text, room, size = TEXT, bold = false) {
    if (widthOf(text, size, bold) <= room) return text;
    const letters = [...text];
    while (letters.length > 1 && widthOf(letters.join("") + "…", size, bold) > room) letters.pop();
    return letters.join("").trimEnd() + "…";
  }

  /** Replace what XML cannot hold: control characters and halves of surrogate pairs. */
  function clean(text) {
    return String(text).replace(
      /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g,
      "\ufffd",
    );
  }

  const tidy = (v) => (typeof v === "number" ? Math.round(v * 100) / 100 : v);

  /** Append an SVG element; its text, if any, is set as text. */
  function add(parent, tag, attributes, text) {
    const node = document.createElementNS(NS, tag);
    for (const name in attributes) node.setAttribute(name, tidy(attributes[name]));
    if (text !== undefined) node.textContent = clean(text);
    parent.appendChild(node);
    return node;
  }

  /** Append a text; `anchor` is start, middle or end. */
  function say(parent, x, y, text, kind = "", anchor = "start") {
    const place = { x, y, class: `c-text ${kind}`.trim() };
    if (anchor !== "start") place["text-anchor"] = anchor;
    return add(parent, "text", place, text);
  }

  /** Width that a chart may take. Callers that draw many read all hosts first and pass the widths:
      reading between two charts makes the browser lay out the first. */
  function roomOf(host, most, given) {
    return Math.min(Math.max(Math.floor(given || host.clientWidth) || 720, 280), most);
  }

  /** Start a chart of this width; `finish` gives it its height and puts it into the host. */
  function start(width) {
    const svg = document.createElementNS(NS, "svg");
    svg.setAttribute("class", "c-chart");
    svg.setAttribute("role", "img");
    svg.setAttribute("width", "100%");
    svg.setAttribute("focusable", "false");
    svg.style.maxWidth = `${width}px`;
    return svg;
  }

  function finish(host, svg, width, height, label) {
    svg.setAttribute("viewBox", `0 0 ${width} ${Math.ceil(height)}`);
    svg.setAttribute("aria-label", clean(label));
    host.replaceChildren(svg);
    return svg;
  }

  // ---- numbers as text, in the words of the reports

  /** So many decimals; none from 100 on, powers of ten beyond 99,999; a ratio is never 0. */
  function number(x, decimals = 2, ratio = false) {
    if (typeof x !== "number" || Number.isNaN(x)) return "–";
    if (!Number.isFinite(x)) return x > 0 ? "∞" : "−∞";
    const size = Math.abs(x);
    let text = size.toFixed(size >= 100 ? 0 : decimals);
    if (size >= 99999.5) text = size.toExponential(0).replace("e+", "e");
    else if (ratio && size > 0 && size < 0.5 * 10 ** -decimals)
      text = size >= 1e-4 ? String(Number(size.toPrecision(1))) : "<0.0001";
    return x < 0 && Number(text) !== 0 ? `−${text}` : text;
  }

  /** `0.71 [0.45, 1.00]` */
  function spread(values, decimals = 2, ratio = false) {
    const [middle, lower, upper] = values.map((v) => number(v, decimals, ratio));
    return `${middle} [${lower}, ${upper}]`;
  }

  /** Two decimals for ratios, else enough to show the shortest interval to two digits. */
  function decimalsFor(ratio, intervals) {
    if (ratio) return 2;
    const widths = intervals.map(([l, u]) => u - l).filter((w) => w > 0 && w < Infinity);
    if (!widths.length) return 2;
    return Math.min(Math.max(1 - Math.floor(Math.log10(Math.min(...widths))), 0), 4);
  }

  function probability(p) {
    if (typeof p !== "number" || Number.isNaN(p)) return "–";
    return p > 0.999 ? ">0.999" : p < 0.001 ? "<0.001" : p.toFixed(3);
  }

  /** A number as short as it can be without loss: thresholds and ticks. */
  function short(x) {
    if (!Number.isFinite(x)) return number(x);
    const size = Math.abs(x);
    const value = Number(x.toPrecision(6));
    const text =
      size !== 0 && (size >= 1e6 || size < 1e-4)
        ? value.toExponential().replace("e+", "e").replace("e-", "e−")
        : size >= 1e4 ? value.toLocaleString("en-GB") : String(value);
    return text.replace(/^-/, "−");
  }

  // ---- axes

  /** @returns {Scale} places beyond the ends are cut to them */
  function scaleOf(ratio, low, high, left, right) {
    const to = ratio ? (v) => (v > 0 ? Math.log(v) : -Infinity) : (v) => v;
    const from = ratio ? Math.exp : (v) => v;
    const first = to(low);
    const step = (right - left) / (to(high) - first);
    const [least, most] = left < right ? [left, right] : [right, left];
    return {
      ratio, low, high, left, right,
      at: (v) => Math.min(Math.max(left + (to(v) - first) * step, least), most) || left,
      value: (x) => from(first + (x - left) / step),
      beyond: (v) => (v > high ? 1 : v >= low ? 0 : -1),
    };
  }

  function multiples(step, low, high, most) {
    const found = [];
    const first = Math.ceil(low / step - 1e-9);
    for (let i = first; i * step <= high + 1e-9 * step && found.length <= most; i++)
      found.push(Number((i * step).toPrecision(12)) + 0);
    return found;
  }

  /** Sets of round values on a log axis, densest first: even steps, powers of 2, 1-2-5, 1-3, tens. */
  function* ratioLadders(low, high, most) {
    if (high / low < 3) yield* evenLadders(low, high, most, 12);
    const tens = [];
    for (let i = Math.floor(Math.log10(low)); i <= Math.ceil(Math.log10(high)); i++) tens.push(i);
    if (high / low < 6)
      yield tens.flatMap((i) => ["1", "1.5", "2", "3", "5", "7.5"].map((m) => Number(`${m}e${i}`)));
    if (low > 1 / 50 && high < 50) yield [...Array(11)].map((_, i) => 2 ** (i - 5));
    for (const steps of [[1, 2, 5], [1, 3], [1]])
      yield tens.flatMap((i) => steps.map((m) => Number(`${m}e${i}`)));
    for (let by = 2; by < 200; by++) yield tens.filter((i) => i % by === 0).map((i) => Number(`1e${i}`));
  }

  function* evenLadders(low, high, most, sets = 30) {
    const power = Math.floor(Math.log10(high - low)) - 2;
    for (let i = 0; i < sets; i++)
      yield multiples(Number(`${[1, 2, 5][i % 3]}e${power + Math.floor(i / 3)}`), low, high, most);
  }

  /**
   * Round values for an axis, at most `most`, whose texts do not touch.
   * @param {Scale} scale
   * @returns {{value: number, text: string, x: number}[]}
   */
  function ticks(scale, size = SMALL, most = 7) {
    const { low, high, ratio } = scale;
    if (!(high > low)) return [];
    const slack = ratio ? 1e-9 * low : 1e-9 * (high - low);
    const ladders = ratio ? ratioLadders(low, high, most) : evenLadders(low, high, most);
    let one = [];
    for (const ladder of ladders) {
      const values = ladder.filter((v) => v >= low - slack && v <= high + slack);
      if (values.length > most) continue;
      const found = values.map((value) => ({ value, text: short(value), x: scale.at(value) }));
      const apart = found.every((tick, i) => {
        if (!i) return true;
        const before = found[i - 1];
        return Math.abs(tick.x - before.x) > (widthOf(tick.text, size) + widthOf(before.text, size)) / 2 + 8;
      });
      if (apart && found.length >= 2) return found;
      if (apart && found.length === 1 && !one.length) one = found;
    }
    return one;
  }

  /** Draw the axis of an effect below `y`; return the y where it ends. */
  function effectAxis(svg, scale, axis, y, edges = [scale.left, scale.right]) {
    add(svg, "path", { d: `M${tidy(scale.left)} ${tidy(y)}H${tidy(scale.right)}`, class: "c-axis" });
    for (const tick of ticks(scale)) {
      add(svg, "path", { d: `M${tidy(tick.x)} ${tidy(y)}v5`, class: "c-axis" });
      const wide = widthOf(tick.text, SMALL) / 2;
      say(svg, Math.max(Math.min(tick.x, edges[1] - wide), edges[0] + wide), y + 17, tick.text, "c-small", "middle");
    }
    const words = axis.ratio ? `${axis.label} (log axis)` : axis.label;
    const half = widthOf(words) / 2;
    const middle = (scale.left + scale.right) / 2;
    say(svg, Math.max(Math.min(middle, edges[1] - half), edges[0] + half), y + 35, words, "", "middle");
    if (!axis.better) return y + 41;
    const sides = ["treatment", "control"];
    if (axis.better === "higher") sides.reverse();
    const texts = [`← favours ${sides[0]}`, `favours ${sides[1]} →`];
    const needed = widthOf(texts[0], SMALL) + widthOf(texts[1], SMALL) + 12;
    const wide = scale.right - scale.left >= needed ? [scale.left, scale.right] : edges;
    say(svg, wide[0], y + 53, texts[0], "c-small c-faint");
    say(svg, wide[1], y + 53, texts[1], "c-small c-faint", "end");
    return y + 59;
  }

  /** Draw an interval: a line with an arrowhead where it goes on beyond the axis. */
  function whisker(parent, scale, lower, upper, y, kind) {
    const open = (v, side) => !Number.isFinite(v) || (side < 0 ? scale.beyond(v) < 0 : scale.beyond(v) > 0);
    const from = open(lower, -1) ? scale.left : scale.at(lower);
    const to = open(upper, 1) ? scale.right : scale.at(upper);
    // The whole interval may lie beyond one end: then the arrow alone is drawn.
    if (from < to) add(parent, "path", { d: `M${tidy(from)} ${tidy(y)}H${tidy(to)}`, class: `c-whisker ${kind}` });
    if (open(lower, -1) || to <= scale.left) arrow(parent, scale.left, y, -1, kind);
    if (open(upper, 1) || from >= scale.right) arrow(parent, scale.right, y, 1, kind);
  }

  function arrow(parent, x, y, side, kind) {
    add(parent, "path", {
      d: `M${tidy(x)} ${tidy(y)}l${-6 * side} -3.5v7z`,
      class: `c-arrow ${kind}`,
    });
  }

  // ---- places of labels

  const overlap = (a, b) => a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];

  /** The box of a text that stands at [x, baseline, anchor]. */
  function boxOf(text, [x, y, anchor = "start"], size = SMALL, bold = false, pad = 2) {
    const wide = widthOf(text, size, bold);
    const left = anchor === "middle" ? x - wide / 2 : anchor === "end" ? x - wide : x;
    return [left - pad, y - 0.8 * size - pad, left + wide + pad, y + 0.22 * size + pad];
  }

  /**
   * Give each label the first of its spots whose box lies in the frame and touches nothing.
   * @param {{text: string, spots: Array, bold?: boolean, size?: number}[]} labels
   * @param {Box} frame
   * @param {Box[]} taken boxes that are not to be touched; those of the labels are added
   * @param {function(Box): boolean} crosses true where a box hides something else
   * @returns {Array} a spot, or null where there is no room
   */
  function settle(labels, frame, taken = [], crosses = () => false) {
    return labels.map(({ text, spots, bold = false, size = SMALL }) => {
      for (const spot of spots) {
        const box = boxOf(text, spot, size, bold);
        const inside = box[0] >= frame[0] && box[1] >= frame[1] && box[2] <= frame[2] && box[3] <= frame[3];
        if (!inside || taken.some((other) => overlap(box, other)) || crosses(box)) continue;
        taken.push(box);
        return spot;
      }
      return null;
    });
  }

  // ---- files

  /** The rules for charts and the light colours, read from the page's own style sheets. */
  function styles() {
    const colours = {};
    const rules = [];
    for (const sheet of document.styleSheets) {
      let list = [];
      try {
        list = sheet.cssRules;
      } catch (error) {
        continue; // a sheet of another origin says nothing about charts
      }
      for (const rule of list) {
        if (!rule.selectorText) continue; // @media: dark colours, print
        if (rule.selectorText === ":root")
          for (const name of rule.style) {
            if (name.startsWith("--c-") && !(name in colours)) colours[name] = rule.style.getPropertyValue(name).trim();
          }
        else if (rule.selectorText.includes(".c-") && !rule.selectorText.includes("[data-theme")) rules.push(rule.cssText);
      }
    }
    return rules.join("\n").replace(/var\((--c-[\w-]+)[^)]*\)/g, (whole, name) => colours[name] || whole);
  }

  /** A chart as the text of an SVG file: light colours, white ground, nothing from outside. */
  function asFile(svg) {
    const copy = svg.cloneNode(true);
    const [, , width, height] = svg.getAttribute("viewBox").split(" ").map((v) => Number(v) + 2 * MARGIN);
    for (const node of copy.querySelectorAll(".c-live")) node.remove();
    for (const node of copy.querySelectorAll(".c-file")) node.removeAttribute("display");
    copy.removeAttribute("style");
    copy.setAttribute("viewBox", `${-MARGIN} ${-MARGIN} ${width} ${height}`);
    copy.setAttribute("width", width);
    copy.setAttribute("height", height);
    const ground = document.createElementNS(NS, "rect");
    for (const [name, value] of Object.entries({ x: -MARGIN, y: -MARGIN, width, height, fill: "#ffffff" }))
      ground.setAttribute(name, value);
    const style = document.createElementNS(NS, "style");
    style.textContent = styles();
    copy.prepend(style, ground);
    return `<?xml version="1.0" encoding="UTF-8"?>\n${new XMLSerializer().serializeToString(copy)}\n`;
  }

  BP.charts = {
    asFile,
    parts: {
      TEXT, SMALL, NARROW,
      widthOf, cut, clean, tidy, add, say, roomOf, start, finish, number, spread, decimalsFor,
      probability, short, scaleOf, ticks, effectAxis, whisker, arrow, overlap, boxOf, settle,
    },
  };
})(typeof module === "object" && module.exports ? module.exports : (globalThis.BP = globalThis.BP || {}));
