/* Rows of intervals on one axis: the forest plot, and leave-one-out and cumulative analyses. */
(function (BP) {
  "use strict";

  const charts = BP.charts || (BP.charts = require("./charts.js").charts);
  const {
    TEXT, SMALL, NARROW, widthOf, cut, tidy, add, say, roomOf, start, finish, number, spread,
    decimalsFor, probability, scaleOf, effectAxis, whisker, arrow,
  } = charts.parts;
  const GAP = 16; // between columns
  const SHOULDER = 0.35; // wide intervals may widen the axis by this share of its core, each side
  const MOST = Math.log(1000); // a ratio axis reaches no further from its centre

  /**
   * Ends of the axis: the core is seen whole, wide intervals may be cut.
   * @param {boolean} ratio
   * @param {number} centre
   * @param {number[]} core
   * @param {number[]} wide
   * @returns {[number, number]}
   */
  function ends(ratio, centre, core, wide) {
    const scaled = (values) =>
      values.filter((v) => Number.isFinite(v) && (!ratio || v > 0)).map((v) => (ratio ? Math.log(v) : v));
    const inner = scaled(core);
    const outer = scaled(wide);
    const middle = scaled([centre])[0] ?? inner[0] ?? 0;
    const least = (values, start) => values.reduce((a, b) => Math.min(a, b), start);
    const most = (values, start) => values.reduce((a, b) => Math.max(a, b), start);
    let low = least(inner, middle);
    let high = most(inner, middle);
    if (ratio) [low, high] = [Math.max(low, middle - MOST), Math.min(high, middle + MOST)];
    const reach = SHOULDER * (high - low);
    low = Math.max(least(outer, low), low - reach);
    high = Math.min(most(outer, high), high + reach);
    if (!(high > low)) [low, high] = [middle - 1, middle + 1];
    // Two round ticks at least on each axis: nothing shorter than a factor of 1.5.
    const lacking = ratio ? Math.max(0, Math.log(1.5) - (high - low)) / 2 : 0;
    const slack = 0.03 * (high - low) + lacking;
    return ratio ? [Math.exp(low - slack), Math.exp(high + slack)] : [low - slack, high + slack];
  }

  /** Ends that show what was pooled; a trial's own interval gets an arrowhead where it is cut. */
  function forestEnds(axis, rows, pooled, predicted) {
    const own = rows.map((row) => row.raw).filter(Boolean);
    const centre = pooled ? pooled[0] : axis.none;
    const points = own.map((each) => each[0]).filter((v) => Number.isFinite(v) && (v > 0 || !axis.ratio));
    points.sort((a, b) => a - b);
    const quarter = Math.floor(points.length / 4);
    const core = [axis.none, ...(pooled || []), ...points.slice(quarter, points.length - quarter)];
    for (const { shrunken } of rows) if (shrunken) core.push(shrunken[1], shrunken[2]);
    // A lone estimate far from all others must not squeeze the rest.
    const [low, high] = ends(axis.ratio, centre, core, []);
    const [least, most] = axis.ratio ? [(low * low) / high, (high * high) / low] : [2 * low - high, 2 * high - low];
    core.push(...points.filter((v) => v >= least && v <= most));
    const wide = own.flatMap((each) => each.slice(1));
    return ends(axis.ratio, centre, core, predicted ? [...wide, ...predicted] : wide);
  }

  /** What is said beside a trial's name. */
  function statusOf(row) {
    if (row.off) return "left out";
    if (row.share < 1) return `discounted to ${Math.round(100 * row.share)} %`;
    return row.note || "";
  }

  const nameOf = (row) => (row.flag ? `${row.label} †` : row.label);

  /** A trial's name cut to its room; its flag stays. */
  function named(row, room) {
    return row.flag ? `${cut(row.label, room - widthOf(" †"))} †` : cut(row.label, room);
  }

  /** Lines below the figure, broken between words; returns the y below them. */
  function written(svg, width, y, notes) {
    for (const note of notes) {
      let line = "";
      for (const word of [...note.split(" "), null]) {
        if (word === null || (line && widthOf(`${line} ${word}`, SMALL) > width)) {
          say(svg, 0, (y += 16) - 2, line, "c-small c-faint");
          line = "";
        }
        line = line ? `${line} ${word}` : word;
      }
    }
    return y;
  }

  /** Columns of the forest, as many as leave room for the picture. */
  function columns(width, rows, texts, pooledText) {
    const most = (values, least, size, bold) =>
      values.reduce((sum, text) => Math.max(sum, widthOf(text, size, bold)), least);
    const counts = rows.some((row) => row.counts);
    const names = Math.max(most(rows.map(nameOf), 0), most(rows.map(statusOf), 0, SMALL));
    const label = Math.min(names, Math.max(0.2 * width, 120));
    const room = Math.ceil(Math.max(label, most(["Mean effect", "New trial"], 0, TEXT, true))) + 2;
    const arms = counts
      ? ["treatment", "control"].map((arm) =>
          most(rows.map((row) => (row.counts ? String(row.counts[arm]) : "")), widthOf("Treatment", SMALL, true)))
      : [];
    const own = most(texts.map((text) => text.own), widthOf("Own estimate", SMALL, true) + 12);
    const posterior = most(texts.map((text) => text.shrunken), widthOf("Posterior", SMALL, true) + 12);
    const said = Math.max(own, posterior, most(pooledText, 0, TEXT, true));
    const wide = { label: room, arms, own, said: Math.max(posterior, most(pooledText, 0, TEXT, true)), stacked: false };
    const sum = (list) => list.reduce((a, b) => a + b + GAP, 0);
    const left = (c) => width - c.label - sum(c.arms) - (c.own ? c.own + GAP : 0) - c.said - 2 * GAP;
    const medium = { ...wide, own: 0, said };
    const choices = [wide, medium, { ...medium, arms: [] }].slice(rows.some((row) => row.shrunken) ? 0 : 1);
    const found = choices.find((choice) => left(choice) >= Math.max(200, 0.3 * width));
    if (width < NARROW || !found) return { label: width, arms: [], own: 0, said: 0, stacked: true, left: 12, right: width - 12 };
    const from = found.label + sum(found.arms) + GAP;
    return { ...found, left: from, right: from + left(found) };
  }

  function square(parent, x, y, side, kind) {
    add(parent, "rect", { x: x - side / 2, y: y - side / 2, width: side, height: side, class: `c-square ${kind}` });
  }

  /** One trial: its own interval above, the one it has together with the others below. */
  function drawTrial(svg, scale, row, y, heaviest) {
    const group = add(svg, "g", { class: row.off ? "c-off" : row.share < 1 ? "c-less" : "" });
    const both = row.raw && row.shrunken;
    if (row.raw) {
      const at = both ? y - 5 : y;
      const share = row.off ? 1 : row.share;
      const side = Math.max(4, 14 * Math.sqrt(((row.weight || 0) * share) / heaviest));
      whisker(group, scale, row.raw[1], row.raw[2], at, "c-own");
      if (scale.beyond(row.raw[0]) === 0) square(group, scale.at(row.raw[0]), at, side, "c-own");
    }
    if (row.shrunken) {
      const at = both ? y + 6 : y;
      whisker(group, scale, row.shrunken[1], row.shrunken[2], at, "c-soft");
      if (scale.beyond(row.shrunken[0]) === 0)
        add(group, "circle", { cx: scale.at(row.shrunken[0]), cy: at, r: 3, class: "c-ring c-soft" });
    }
    return group;
  }

  function diamond(svg, scale, [middle, lower, upper], y) {
    const [l, m, u] = [lower, middle, upper].map((v) => tidy(scale.at(v)));
    add(svg, "path", { d: `M${l} ${tidy(y)}L${m} ${tidy(y - 8)}L${u} ${tidy(y)}L${m} ${tidy(y + 8)}z`, class: "c-diamond" });
    if (scale.beyond(lower) < 0) arrow(svg, scale.left, y, -1, "c-own");
    if (scale.beyond(upper) > 0) arrow(svg, scale.right, y, 1, "c-own");
  }

  /** What the marks mean, in one line that may break; returns the y below it. */
  function key(svg, width, y, entries) {
    let x = 0;
    for (const [draw, text] of entries) {
      const wide = 16 + widthOf(text, SMALL) + 14;
      if (x && x + wide - 14 > width) [x, y] = [0, y + 17];
      draw(x + 5, y - 4);
      say(svg, x + 16, y, text, "c-small");
      x += wide;
    }
    return y + 8;
  }

  /** Draw the forest plot: trials, the pooled effect as a diamond, a new trial as a bar. */
  function forest(host, { axis, rows, pooled, predicted, notes = [], width: given }) {
    const width = roomOf(host, 1040, given);
    const svg = start(width);
    const shown = [...rows.flatMap((r) => [r.raw, r.shrunken]), pooled].filter(Boolean).map((v) => v.slice(1));
    const decimals = decimalsFor(axis.ratio, shown);
    const write = (values) => spread(values, decimals, axis.ratio);
    const texts = rows.map((row) => ({
      own: row.raw ? write(row.raw) : "no estimate",
      shrunken: row.shrunken ? write(row.shrunken) : "",
    }));
    const pooledText = [
      pooled ? write(pooled) : "no answer",
      predicted ? `[${predicted.map((v) => number(v, decimals, axis.ratio)).join(", ")}]` : "",
    ];
    const plan = columns(width, rows, texts, pooledText);
    const scale = scaleOf(axis.ratio, ...forestEnds(axis, rows, pooled, predicted), plan.left, plan.right);
    const heaviest = rows.reduce((most, row) => Math.max(most, row.weight || 0), 0) || 1;
    const anyShrunken = rows.some((row) => row.shrunken);
    const marks = [
      [(x, y) => square(svg, x, y, 9, "c-own"), "own estimate"],
      [(x, y) => add(svg, "circle", { cx: x, cy: y, r: 3.5, class: "c-ring c-soft" }), "posterior"],
    ].slice(0, anyShrunken ? 2 : 1);
    const top = plan.stacked || !plan.own ? key(svg, width, 14, marks) + 2 : 0;
    const head = plan.stacked ? top : heads(svg, width, plan, top, rows, anyShrunken);
    const lines = svg.appendChild(document.createElementNS(svg.namespaceURI, "g"));
    const step = plan.stacked ? 42 : anyShrunken || rows.some(statusOf) ? 31 : 26;
    let y = head;
    rows.forEach((row, i) => {
      const middle = plan.stacked ? y + 27 : y + step / 2;
      const group = drawTrial(svg, scale, row, middle, heaviest);
      add(group, "title", {}, titleOf(row, texts[i]));
      if (plan.stacked) labelStacked(group, width, y + 13, row, texts[i]);
      else labelWide(group, plan, middle, row, texts[i]);
      y += step;
      add(lines, "path", { d: `M0 ${tidy(y)}H${width}`, class: i === rows.length - 1 ? "c-rule" : "c-hair" });
    });
    const rowsEnd = y;
    for (const [label, text, draw] of [
      ["Mean effect", pooledText[0], (at) => pooled && diamond(svg, scale, pooled, at)],
      ["New trial", pooledText[1], (at) => drawPrediction(svg, scale, predicted, at)],
    ].slice(0, predicted ? 2 : 1)) {
      const middle = plan.stacked ? y + 27 : y + 15;
      const base = plan.stacked ? y + 14 : middle + 4;
      say(svg, 0, base, label, "c-bold");
      say(svg, width, base, text, "c-bold", "end");
      draw(middle);
      y += plan.stacked ? 40 : 29;
    }
    y += 3;
    // Where words stand above the marks, the lines leave them out.
    const strips = plan.stacked ? rows.map((_, i) => [head + i * step + 18, head + i * step + 39]) : [[head, rowsEnd]];
    const stripsBelow = plan.stacked ? [[rowsEnd + 18, rowsEnd + 38], [y - 24, y]] : [[rowsEnd, y]];
    add(lines, "path", { d: uprights(scale.at(axis.none), [...strips, ...stripsBelow]), class: "c-none" });
    if (pooled && scale.beyond(pooled[0]) === 0)
      add(lines, "path", { d: uprights(scale.at(pooled[0]), strips), class: "c-pooled" });
    y = written(svg, width, effectAxis(svg, scale, axis, y, [0, width]), notes);
    const out = rows.filter((row) => row.off).length;
    const count = `${rows.length} trial${rows.length === 1 ? "" : "s"}${out ? `, ${out} left out` : ""}`;
    const mean = `Mean effect, ${axis.label}: ${pooledText[0]}`;
    return finish(host, svg, width, y, `Forest plot of ${count}. ${mean}${predicted ? `; a new trial: ${pooledText[1]}` : ""}.`);
  }

  /** The path of one upright line in pieces. */
  const uprights = (x, pieces) => pieces.map(([from, to]) => `M${tidy(x)} ${tidy(from)}V${tidy(to)}`).join("");

  function drawPrediction(svg, scale, [lower, upper], y) {
    // Ends that lie beyond the axis become heads broader than the bar.
    const [l, u] = [scale.at(lower), scale.at(upper)].map(tidy);
    const from = scale.beyond(lower) < 0 ? `M${l + 9} ${y - 3}v-3.5L${l} ${y}l9 6.5v-3.5` : `M${l} ${y - 3}v6`;
    const to = scale.beyond(upper) > 0 ? `H${u - 9}v3.5L${u} ${y}l-9 -6.5v3.5` : `H${Math.max(u, l + 1)}v-6`;
    add(svg, "path", { d: `${from}${to}z`, class: "c-new" });
  }

  function titleOf(row, text) {
    const parts = [nameOf(row), statusOf(row), row.note !== statusOf(row) ? row.note : ""];
    if (row.counts) parts.push(`treatment ${row.counts.treatment}, control ${row.counts.control}`);
    parts.push(`own estimate ${text.own}`);
    if (text.shrunken) parts.push(`posterior ${text.shrunken}`);
    if (row.weight != null) parts.push(`common-effect weight ${number(row.weight, 1)} %`);
    return parts.filter(Boolean).join("; ");
  }

  function heads(svg, width, plan, top, rows, anyShrunken) {
    const base = top + 14;
    const two = plan.arms.length && rows.every((row) => !row.counts || /\/\d/.test(row.counts.treatment));
    say(svg, 0, base, "Trial", "c-small c-bold");
    let x = plan.label;
    plan.arms.forEach((wide, i) => {
      x += GAP + wide;
      say(svg, x, base, i ? "Control" : "Treatment", "c-small c-bold", "end");
      if (two) say(svg, x, base + 14, "events/n", "c-small c-faint", "end");
    });
    if (plan.own) {
      const right = plan.right + GAP + plan.own;
      const end = right + GAP + plan.said;
      say(svg, right, base, "Own estimate", "c-small c-bold c-own-text", "end");
      square(svg, right - widthOf("Own estimate", SMALL, true) - 8, base - 4, 8, "c-own");
      if (anyShrunken) {
        say(svg, end, base, "Posterior", "c-small c-bold c-soft-text", "end");
        add(svg, "circle", { cx: end - widthOf("Posterior", SMALL, true) - 9, cy: base - 4, r: 3.5, class: "c-ring c-soft" });
      }
      say(svg, end, base + 14, "[95 % interval]", "c-small c-faint", "end");
    } else say(svg, plan.right + GAP + plan.said, base, "[95 % interval]", "c-small c-bold", "end");
    const y = base + (two || plan.own ? 22 : 8);
    add(svg, "path", { d: `M0 ${tidy(y)}H${width}`, class: "c-rule" });
    return y;
  }

  function labelWide(group, plan, y, row, text) {
    const status = statusOf(row);
    say(group, 0, status ? y - 3 : y + 4, named(row, plan.label), "");
    if (status) say(group, 0, y + 10, cut(status, plan.label + (plan.arms.length ? 0 : GAP), SMALL), "c-small c-faint");
    let x = plan.label;
    plan.arms.forEach((wide, i) => {
      x += GAP + wide;
      if (row.counts) say(group, x, y + 4, row.counts[i ? "control" : "treatment"], "", "end");
    });
    const first = plan.right + GAP + plan.own;
    const end = first + (plan.own ? GAP : 0) + plan.said;
    const kind = row.raw ? "c-own-text" : "c-faint";
    if (plan.own) {
      say(group, first, y + 4, text.own, kind, "end");
      if (text.shrunken) say(group, end, y + 4, text.shrunken, "c-soft-text", "end");
    } else {
      say(group, end, text.shrunken ? y - 2 : y + 4, text.own, `c-small ${kind}`, "end");
      if (text.shrunken) say(group, end, y + 11, text.shrunken, "c-small c-soft-text", "end");
    }
  }

  function labelStacked(group, width, y, row, text) {
    const room = width - widthOf(text.own, SMALL) - GAP;
    const status = statusOf(row) && ` · ${statusOf(row)}`;
    const told = status && widthOf(status, SMALL) < room - 90 ? status : "";
    const name = named(row, room - widthOf(told, SMALL));
    const label = say(group, 0, y, name);
    if (told) add(label, "tspan", { class: "c-small c-faint" }, told);
    say(group, width, y, text.own, `c-small ${row.raw ? "c-own-text" : "c-faint"}`, "end");
  }

  /** Where the columns stand; stacked where words and picture do not fit side by side. */
  function intervalColumns(width, rows, texts, head, chance) {
    const most = (values, least) => values.reduce((sum, text) => Math.max(sum, widthOf(text)), least);
    const p = most(texts.map((text) => text.p), widthOf(chance, SMALL, true));
    const said = most(texts.map((text) => text.value), widthOf(head, SMALL, true));
    const label = Math.min(most(rows.map((row) => row.label), 60), Math.max(0.3 * width, 120));
    const left = label + GAP;
    const right = width - p - said - 2 * GAP;
    if (width < NARROW || right - left < 180) return { stacked: true, label: width, left: 12, right: width - 12, p };
    return { stacked: false, label, left, right, p };
  }

  function ariaLabel(rows, chance) {
    const known = rows.filter((row) => Number.isFinite(row.p)).sort((a, b) => a.p - b.p);
    const count = `${rows.length} row${rows.length === 1 ? "" : "s"} of intervals.`;
    if (!known.length) return count;
    const [from, to] = [known[0], known[known.length - 1]].map((row) => `${probability(row.p)} (${row.label})`);
    return `${count} ${chance} runs from ${from} to ${to}.`;
  }

  /** Draw rows of medians with intervals; `reference` is the band that they are compared with. */
  function intervals(host, { axis, rows, reference, probability: chance, width: given }) {
    const width = roomOf(host, 900, given);
    const svg = start(width);
    const values = rows.map((row) => row.value).filter(Boolean);
    const decimals = decimalsFor(axis.ratio, values.map((value) => value.slice(1)));
    const texts = rows.map((row) => ({
      value: row.value ? spread(row.value, decimals, axis.ratio) : "no answer",
      p: probability(row.p),
    }));
    const head = `${axis.symbol} [95 %]`;
    const plan = intervalColumns(width, rows, texts, head, chance);
    const core = [axis.none, ...values.map((value) => value[0]), ...(reference || [])];
    const limits = ends(axis.ratio, reference ? reference[0] : axis.none, core, values.flat());
    const scale = scaleOf(axis.ratio, ...limits, plan.left, plan.right);
    const saidAt = width - plan.p - GAP;
    say(svg, width, 13, chance, "c-small c-bold", "end");
    say(svg, saidAt, 13, head, "c-small c-bold", "end");
    const [y0, step] = [21, plan.stacked ? 32 : 24];
    const bottom = y0 + rows.length * step + 2;
    const pieces = plan.stacked ? rows.map((_, i) => [y0 + i * step + 18, y0 + i * step + 30]) : [[y0, bottom]];
    if (reference) {
      const [from, to] = [tidy(scale.at(reference[1])), tidy(scale.at(reference[2]))];
      add(svg, "path", { d: pieces.map(([a, b]) => `M${from} ${a}H${to}V${b}H${from}z`).join(""), class: "c-band" });
    }
    add(svg, "path", { d: `M0 ${y0}H${width}`, class: "c-rule" });
    add(svg, "path", { d: uprights(scale.at(axis.none), pieces), class: "c-none" });
    if (reference) add(svg, "path", { d: uprights(scale.at(reference[0]), pieces), class: "c-pooled" });
    rows.forEach((row, i) => {
      const y = y0 + i * step;
      const group = add(svg, "g", {});
      const base = plan.stacked ? y + 14 : y + step / 2 + 4;
      const room = plan.stacked ? saidAt - widthOf(texts[i].value) - GAP : plan.label;
      add(group, "title", {}, `${row.label}; ${axis.symbol} ${texts[i].value}; ${chance} = ${texts[i].p}`);
      say(group, 0, base, cut(row.label, room, TEXT));
      say(group, saidAt, base, texts[i].value, "c-num", "end");
      say(group, width, base, texts[i].p, "c-num c-bold", "end");
      const middle = plan.stacked ? y + 23 : y + step / 2;
      if (row.value) {
        whisker(group, scale, row.value[1], row.value[2], middle, "c-own");
        if (scale.beyond(row.value[0]) === 0)
          add(group, "circle", { cx: scale.at(row.value[0]), cy: middle, r: 4, class: "c-dot c-own" });
      }
      if (i) add(group, "path", { d: `M0 ${tidy(y)}H${width}`, class: "c-hair" });
    });
    const end = effectAxis(svg, scale, axis, bottom, [0, width]);
    return finish(host, svg, width, end, ariaLabel(rows, chance));
  }

  Object.assign(charts, { forest, intervals });
  Object.assign(charts.parts, { ends, forestEnds, statusOf, GAP });
})(typeof module === "object" && module.exports ? module.exports : (globalThis.BP = globalThis.BP || {}));
