/* The pure parts of the charts: ticks, numbers as text, places of labels, contour lines. */
"use strict";

const assert = require("node:assert");
const test = require("node:test");
const path = require("node:path");

const assets = path.join(__dirname, "../../src/bayespool/assets");
const { charts } = require(path.join(assets, "charts.js"));
for (const name of ["forest.js", "density.js", "atlas.js"])
  Object.assign(charts.parts, require(path.join(assets, name)).charts.parts);
const { parts } = charts;

const texts = (ratio, low, high, width = 400) =>
  parts.ticks(parts.scaleOf(ratio, low, high, 0, width)).map((tick) => tick.text);

test("ratio axes have powers of two, tens where they are long, even steps where they are short", () => {
  assert.deepStrictEqual(texts(true, 0.2, 2.5), ["0.25", "0.5", "1", "2"]);
  assert.deepStrictEqual(texts(true, 0.001, 1000), ["0.001", "0.01", "0.1", "1", "10", "100", "1000"]);
  assert.deepStrictEqual(texts(true, 0.3, 1.6), ["0.3", "0.5", "0.75", "1", "1.5"]);
  assert.deepStrictEqual(texts(true, 0.8, 1.25), ["0.8", "0.9", "1", "1.1", "1.2"]);
});

test("even axes have round ticks with a true minus sign", () => {
  assert.deepStrictEqual(texts(false, -60, 40), ["−60", "−40", "−20", "0", "20", "40"]);
  assert.deepStrictEqual(texts(false, -0.3, 0.25), ["−0.3", "−0.2", "−0.1", "0", "0.1", "0.2"]);
});

test("ticks of any range lie within it, ascend, and their texts do not touch", () => {
  for (let i = 0; i < 400; i++) {
    const low = 10 ** (((i * 37) % 80) / 10 - 4);
    const high = low * (1.02 + ((i * 13) % 97) ** 2);
    for (const [ratio, width] of [[true, 150], [true, 700], [false, 150], [false, 700]]) {
      const scale = parts.scaleOf(ratio, low, high, 20, 20 + width);
      const found = parts.ticks(scale);
      assert.ok(found.length >= 1 && found.length <= 7, `${low} to ${high}: ${found.length} ticks`);
      found.forEach((tick, at) => {
        assert.ok(tick.value >= low * (1 - 1e-8) && tick.value <= high * (1 + 1e-8));
        if (!at) return;
        const before = found[at - 1];
        const half = (parts.widthOf(tick.text, 11) + parts.widthOf(before.text, 11)) / 2;
        assert.ok(tick.x - before.x > half, `${before.text} touches ${tick.text}`);
      });
    }
  }
});

test("a scale cuts what lies beyond it and goes back from pixels to values", () => {
  const scale = parts.scaleOf(true, 0.5, 2, 100, 300);
  assert.strictEqual(scale.at(1), 200);
  assert.deepStrictEqual([0, -1, 0.1, Infinity, NaN].map(scale.at), [100, 100, 100, 300, 100]);
  assert.deepStrictEqual([0.4, 1, 3].map(scale.beyond), [-1, 0, 1]);
  assert.ok(Math.abs(scale.value(scale.at(0.8)) - 0.8) < 1e-12);
  const upright = parts.scaleOf(true, 0.01, 1, 300, 100);
  assert.deepStrictEqual([0.01, 0.1, 1, 5].map((v) => Math.round(upright.at(v))), [300, 200, 100, 100]);
});

test("numbers read as in the reports", () => {
  assert.strictEqual(parts.spread([0.7057, 0.4531, 1.0006], 2, true), "0.71 [0.45, 1.00]");
  assert.strictEqual(parts.number(-0.001, 2), "0.00");
  assert.strictEqual(parts.number(-14.2, 1), "−14.2");
  assert.strictEqual(parts.number(0.0012, 2, true), "0.001");
  assert.strictEqual(parts.number(0.00001, 2, true), "<0.0001");
  assert.strictEqual(parts.number(1234567, 2), "1e6");
  assert.strictEqual(parts.number(Infinity), "∞");
  assert.strictEqual(parts.number(null), "–");
  assert.deepStrictEqual([0.97484, 0.9999, 0.0004, NaN].map(parts.probability), ["0.975", ">0.999", "<0.001", "–"]);
  assert.deepStrictEqual([0.7, -5, 12345.6, 1e-5].map(parts.short), ["0.7", "−5", "12,345.6", "1e−5"]);
  assert.strictEqual(parts.decimalsFor(false, [[-31.7, 2.9]]), 0);
  assert.strictEqual(parts.decimalsFor(false, [[-0.07, 0.01], [-0.2, 0.1]]), 3);
});

test("a long text is cut to its room with an ellipsis and never within a letter", () => {
  const name = "A trial with a name of just about sixty letters, and some more";
  const short = parts.cut(name, 120);
  assert.ok(short.endsWith("…") && parts.widthOf(short) <= 120 && name.startsWith(short.slice(0, -1)));
  assert.strictEqual(parts.cut("short", 120), "short");
  assert.strictEqual(parts.cut("😀😀😀😀", 30), "😀…");
});

test("text keeps its marks and loses only what XML cannot hold", () => {
  const name = "<img src=x onerror=alert(1)> & \"é\" 😀";
  assert.strictEqual(parts.clean(name), name);
  assert.strictEqual(parts.clean("a\u0001b\ud800c"), "a\ufffdb\ufffdc");
});

test("labels never overlap each other, nor what was there before, nor the frame's edge", () => {
  const taken = [[90, 90, 110, 110]];
  const labels = Array.from({ length: 12 }, (_, i) => ({ text: `prior ${i}`, spots: parts.spotsAround(100, 100) }));
  const frame = [0, 0, 260, 240];
  const found = parts.settle(labels, frame, taken);
  const boxes = found.flatMap((spot, i) => (spot ? [parts.boxOf(labels[i].text, spot)] : []));
  assert.ok(boxes.length >= 8, `${boxes.length} placed`);
  boxes.forEach((box, i) => {
    assert.ok(box[0] >= 0 && box[1] >= 0 && box[2] <= 260 && box[3] <= 240);
    assert.ok(!parts.overlap(box, [90, 90, 110, 110]));
    for (const other of boxes.slice(i + 1)) assert.ok(!parts.overlap(box, other));
  });
  assert.deepStrictEqual(parts.settle([{ text: "no room", spots: [[0, 10]] }], [0, 0, 20, 20]), [null]);
});

test("a label keeps off the curves, steep ones too", () => {
  const steep = { xs: [0, 99, 101, 200], ys: [200, 200, 0, 0] };
  const touches = parts.crossing([steep]);
  assert.ok(touches([80, 90, 120, 110]));
  assert.ok(!touches([20, 90, 80, 110]));
});

test("contour lines of a cone are circles of the right radius, closed", () => {
  const size = 41;
  const cone = Array.from({ length: size }, (_, i) =>
    Array.from({ length: size }, (_, j) => 20 - Math.hypot(i - 20, j - 20)));
  const { lines, polygons } = parts.contour(cone, 8);
  assert.strictEqual(lines.length, 1);
  const [line] = lines;
  assert.deepStrictEqual(line[0], line[line.length - 1]);
  for (const [x, y] of line) assert.ok(Math.abs(Math.hypot(x - 20, y - 20) - 12) < 0.02);
  const area = (points) => Math.abs(points.reduce((sum, [x, y], i) => {
    const [nx, ny] = points[(i + 1) % points.length];
    return sum + (x * ny - nx * y) / 2;
  }, 0));
  const whole = polygons.reduce((sum, polygon) => sum + area(polygon), 0);
  assert.ok(Math.abs(whole - Math.PI * 144) < 2, `area ${whole}`);
  assert.ok(Math.abs(area(line) - whole) < 1e-9);
});

test("a contour line of a plane is one open line from edge to edge", () => {
  const plane = Array.from({ length: 6 }, (_, i) => Array.from({ length: 9 }, (_, j) => j / 8 + 0 * i));
  const { lines } = parts.contour(plane, 0.3);
  assert.strictEqual(lines.length, 1);
  assert.strictEqual(lines[0].length, 6);
  for (const [x] of lines[0]) assert.ok(Math.abs(x - 2.4) < 1e-12);
  assert.deepStrictEqual(parts.contour(plane, 2), { polygons: [], lines: [] });
});

test("saddles give two lines, and missing values none", () => {
  const saddle = [[1, 0], [0, 1]];
  assert.strictEqual(parts.contour(saddle, 0.5).lines.length, 2);
  assert.deepStrictEqual(parts.contour([[1, NaN], [0, 1]], 0.5).lines, []);
});

test("the atlas reads a value between the nodes of its log axes", () => {
  const sds = [0.1, 1, 10];
  const scales = [0.01, 1];
  const p = sds.map((sd) => scales.map((scale) => Math.log10(sd) + 3 * Math.log10(scale)));
  const at = parts.valueAt(p, scales, sds, { sd: 3, scale: 0.2 });
  assert.ok(Math.abs(at - (Math.log10(3) + 3 * Math.log10(0.2))) < 1e-12);
  assert.strictEqual(parts.valueAt(p, scales, sds, { sd: 1000, scale: 5 }), p[2][1]);
});

test("the atlas has tau's scale across and the SD of the effect's prior upwards, as the figure on paper", () => {
  const sx = parts.scaleOf(true, 0.01, 1, 0, 100);
  const sy = parts.scaleOf(true, 0.1, 10, 210, 10);
  const { x, y } = parts.placeOf([sx, sy], { sd: 10, scale: 0.1 });
  assert.ok(Math.abs(x - 50) < 1e-9 && Math.abs(y - 10) < 1e-9);
  const pixels = parts.pixelsOf([0.01, 0.1, 1].map(sx.at), [0.1, 1, 10].map(sy.at));
  assert.deepStrictEqual(pixels([1, 2]).map(Math.round), [50, 10]); // p[2][1] is that prior's answer
});

test("the forest's axis shows the pooled intervals whole, and one far trial does not squeeze them", () => {
  const axis = { ratio: true, none: 1 };
  const rows = [0.6, 0.7, 0.8, 0.9].map((e) => ({ raw: [e, e / 2, e * 2], shrunken: [0.7, 0.5, 1] }));
  const pooled = [0.7, 0.5, 1];
  const [low, high] = parts.forestEnds(axis, rows, pooled, [0.3, 1.7]);
  assert.ok(low < 0.5 && high > 1.2);
  const far = [...rows, { raw: [200, 50, 1000], shrunken: [0.8, 0.5, 1.2] }, { raw: [0, 0, Infinity], shrunken: null }];
  const [, wider] = parts.forestEnds(axis, far, pooled, null);
  assert.ok(wider < 10, `reaches to ${wider}`);
  for (const none of [parts.forestEnds(axis, [], null, null), parts.forestEnds({ ratio: false, none: 0 }, [], null, null)])
    assert.ok(none[0] < none[1] && none.every(Number.isFinite));
});

test("a row says why its trial counts less", () => {
  assert.strictEqual(parts.statusOf({ off: true, share: 1, note: "2021" }), "left out");
  assert.strictEqual(parts.statusOf({ off: false, share: 0.5, note: "2021" }), "discounted to 50 %");
  assert.strictEqual(parts.statusOf({ off: false, share: 1, note: "2021" }), "2021");
});

test("a dragged threshold has no more digits than pixels, holds to marks and stays on the axis", () => {
  const scale = parts.scaleOf(true, 0.25, 2, 0, 600);
  for (let x = -20; x <= 620; x += 7) {
    const value = parts.snapped(scale, x, [1, 0.7]);
    assert.ok(value >= 0.25 && value <= 2);
    assert.ok(String(value).length <= 5, String(value));
    assert.ok(Math.abs(scale.at(value) - Math.min(Math.max(x, 0), 600)) < 5);
  }
  assert.strictEqual(parts.snapped(scale, scale.at(1) + 2, [1, 0.7]), 1);
  const money = parts.scaleOf(false, -4000, 4000, 0, 400);
  assert.strictEqual(Math.abs(parts.snapped(money, 123.4, []) % 10), 0);
});

test("the share of a density below a threshold is its area", () => {
  const xs = Array.from({ length: 401 }, (_, i) => i);
  const bell = xs.map((x) => Math.exp(-0.5 * ((x - 200) / 40) ** 2));
  assert.strictEqual(parts.shareBelow(xs, bell, 200), 50);
  assert.strictEqual(parts.shareBelow(xs, bell, 240), 84);
  assert.ok(Math.abs(parts.heightAt(xs, bell, 200.5) - 1) < 1e-3);
  assert.ok(Number.isNaN(parts.heightAt(xs, bell, -1)));
});
