// Distributions as masses at even nodes: sinc sums, axes, marginals and priors.
(function (BP) {
  "use strict";

  // --- sinc sums: a smooth function is its values at even nodes ---------------------------------

  const SPAN = 1200; // nodes; beyond, the integral of sinc is at its limit
  const CELL = 1 / 64;
  const [integral, height] = sincTables();

  /** The integral of sinc from 0, and sinc itself times a cell, at every 64th of a node. */
  function sincTables() {
    const count = SPAN / CELL;
    const [sums, heights] = [new Float64Array(count + 1), new Float64Array(count + 1)];
    const points = [-Math.sqrt(0.6), 0, Math.sqrt(0.6)];
    const weights = [5 / 18, 8 / 18, 5 / 18];
    for (let i = 0; i <= count; i++) heights[i] = CELL * sinc(i * CELL);
    for (let i = 0; i < count; i++) {
      let part = 0;
      for (let j = 0; j < 3; j++) part += weights[j] * sinc((i + 0.5 + points[j] / 2) * CELL);
      sums[i + 1] = sums[i] + CELL * part;
    }
    return [sums, heights];
  }

  function sinc(d) {
    return d === 0 ? 1 : Math.sin(Math.PI * d) / (Math.PI * d);
  }

  /** 1/2 + Si(pi d) / pi, by a cubic between the tabulated values. */
  function below(d) {
    const size = Math.abs(d);
    let part = 0.5;
    if (size < SPAN - 1) {
      const i = Math.floor(size / CELL);
      const s = size / CELL - i;
      const left = integral[i];
      const rise = integral[i + 1] - left;
      const a = height[i] - rise;
      const b = rise - height[i + 1];
      part = left + s * rise + s * (1 - s) * (a * (1 - s) + b * s);
    }
    return d < 0 ? 0.5 - part : 0.5 + part;
  }

  // --- axes: maps from the whole line to a quantity -----------------------------------------------

  /** x = sum of asinh((value - centre) / width). */
  function sinhAxis(centres, widths, first, step, nodes) {
    const toX = (v) => centres.reduce((sum, c, i) => sum + Math.asinh((v - c) / widths[i]), 0);
    const slope = (v) => 1 / centres.reduce((sum, c, i) => sum + 1 / Math.hypot(widths[i], v - c), 0);
    return { toX, slope, first, step, nodes };
  }

  /** value = scale exp(x - exp(-x)), for a standard deviation. */
  function scaleAxis(scale, first, step, count) {
    const nodes = new Float64Array(count);
    for (let i = 0; i < count; i++) {
      const x = first + i * step;
      nodes[i] = scale * Math.exp(x - Math.exp(-x));
    }
    function toX(v) {
      // Newton on x - exp(-x) = log(v / scale), which rises and bends one way.
      const want = Math.log(v / scale);
      let x = want > 1 ? want : want > -2 ? 0.5 * want + 0.3 : -Math.log(-want);
      for (let turn = 0; turn < 40; turn++) {
        const e = Math.exp(-x);
        const move = (x - e - want) / (1 + e);
        x -= move;
        if (Math.abs(move) < 1e-13 * (1 + Math.abs(x))) break;
      }
      return x;
    }
    return { toX, slope: (v) => v * (1 + Math.exp(-toX(v))), first, step, nodes };
  }

  /**
   * A distribution by the masses at an axis's nodes.
   * @param atom mass below the first node; @param cut [low, high] where a density ends abruptly.
   */
  function marginal(axis, mass, atom = 0, cut = null) {
    const { toX, slope, first, step, nodes } = axis;
    const used = [];
    let top = 0;
    for (const m of mass) top = Math.max(top, Math.abs(m));
    for (let i = 0; i < mass.length; i++) if (Math.abs(mass[i]) > 1e-14 * top) used.push(i);

    function upTo(v) {
      const at = v === Infinity ? Infinity : v === -Infinity ? -Infinity : toX(v);
      let sum = 0;
      for (const i of used) {
        sum += mass[i] * (at === Infinity ? 1 : at === -Infinity ? 0 : below((at - first) / step - i));
      }
      return sum;
    }
    const lowest = cut && cut[0] > -Infinity ? (cut[0] <= nodes[0] ? 0 : upTo(cut[0])) : 0;
    const total = atom + upTo(cut ? cut[1] : Infinity) - lowest;

    function cdf(v) {
      if (cut && v <= cut[0]) return 0;
      if (cut && v >= cut[1]) return 1;
      if (atom > 0 && v < nodes[0]) return v <= 0 ? 0 : ((atom / total) * v) / nodes[0];
      return Math.min(1, Math.max(0, (atom + upTo(v) - lowest) / total));
    }
    function density(v) {
      if (cut && (v < cut[0] || v > cut[1])) return 0;
      const at = (toX(v) - first) / step;
      let sum = 0;
      for (const i of used) sum += mass[i] * sinc(at - i);
      return Math.max(0, sum / (step * slope(v) * total));
    }
    function quantile(p) {
      let low = used.length ? nodes[used[0]] : nodes[0];
      let high = used.length ? nodes[used[used.length - 1]] : nodes[0];
      if (atom / total >= p) return (p * nodes[0] * total) / atom;
      if (cut) [low, high] = [Math.max(low, cut[0]), Math.min(high, cut[1])];
      for (let turn = 0; turn < 60 && high - low > 1e-10 * (Math.abs(low) + Math.abs(high)); turn++) {
        // Halve in x, in which the nodes are even, by way of the node between where there is one.
        const [a, b] = [toX(low), toX(high)];
        const cells = Math.floor((b - a) / step);
        let middle = 0.5 * (low + high);
        if (cells > 2) middle = nodes[Math.round((0.5 * (a + b) - first) / step)];
        if (!(middle > low && middle < high)) middle = 0.5 * (low + high);
        if (cdf(middle) < p) low = middle;
        else high = middle;
      }
      return 0.5 * (low + high);
    }
    return { cdf, sf: (v) => 1 - cdf(v), density, quantile };
  }

  // --- priors ------------------------------------------------------------------------------------

  /** Log densities, but for a constant, by family; the arguments of a family in PreliZ's order. */
  const LOG_DENSITY = {
    Normal: (x, m, s) => -0.5 * ((x - m) / s) ** 2,
    StudentT: (x, nu, m, s) => -0.5 * (nu + 1) * Math.log1p(((x - m) / s) ** 2 / nu),
    Cauchy: (x, m, s) => -Math.log1p(((x - m) / s) ** 2),
    Logistic: (x, m, s) => -Math.abs((x - m) / s) - 2 * Math.log1p(Math.exp(-Math.abs((x - m) / s))),
    Uniform: () => 0,
    Flat: () => 0,
    HalfNormal: (x, s) => -0.5 * (x / s) ** 2,
    HalfCauchy: (x, s) => -Math.log1p((x / s) ** 2),
    HalfStudentT: (x, nu, s) => -0.5 * (nu + 1) * Math.log1p((x / s) ** 2 / nu),
    Exponential: (x, rate) => -rate * x,
    LogNormal: (x, m, s) => -0.5 * ((Math.log(x) - m) / s) ** 2 - Math.log(x),
    Gamma: (x, alpha, beta) => (alpha - 1) * Math.log(x) - beta * x,
    InverseGamma: (x, alpha, beta) => -(alpha + 1) * Math.log(x) - beta / x,
    LogStudentT: (x, nu, m, s) =>
      -0.5 * (nu + 1) * Math.log1p(((2 * Math.log(x) - m) / s) ** 2 / nu) - Math.log(x),
  };

  function logDensity([family, ...args]) {
    const f = LOG_DENSITY[family];
    return (x) => f(x, ...args);
  }

  /** Where a family ends abruptly, or null. */
  function cutOf(spec, role) {
    if (spec[0] !== "Uniform") return null;
    return [role === "tau" ? Math.max(spec[1], 0) : spec[1], spec[2]];
  }

  /** A typical value of a prior on tau, and location and scale of one on mu, to lay an axis. */
  function place([family, ...args], role) {
    if (role === "mu") return family === "StudentT" ? [args[1], args[2]] : [args[0], args[1]];
    const at = {
      Exponential: () => 1 / args[0],
      LogNormal: () => Math.exp(args[0]),
      Gamma: () => Math.max(args[0], 0.1) / args[1],
      InverseGamma: () => args[1] / (args[0] + 1),
      HalfStudentT: () => args[1],
      LogStudentT: () => Math.exp(args[1] / 2),
      Uniform: () => args[1] / 2,
    };
    return [0, (at[family] || (() => args[0]))()];
  }

  /**
   * A prior as a distribution: density, cdf, sf, quantile. null for Flat.
   * @param {Array} spec [family, ...arguments] @param {"mu"|"tau"} role
   */
  function prior(spec, role) {
    if (spec[0] === "Flat") return null;
    if (spec[0] === "Uniform") {
      const [low, high] = cutOf(spec, role);
      const cdf = (v) => Math.min(1, Math.max(0, (v - low) / (high - low)));
      return {
        cdf,
        sf: (v) => 1 - cdf(v),
        density: (v) => (v < low || v > high ? 0 : 1 / (high - low)),
        quantile: (p) => low + p * (high - low),
      };
    }
    const [centre, scale] = place(spec, role);
    let axis;
    if (role === "mu") {
      const nodes = Array.from({ length: 641 }, (_, i) => centre + scale * Math.sinh((i - 320) / 8));
      axis = sinhAxis([centre], [scale], -40, 1 / 8, nodes);
    } else axis = scaleAxis(scale, -3.2, 0.1, 440);
    const f = logDensity(spec);
    const log = Array.from(axis.nodes, (v) => f(v) + Math.log(axis.slope(v)));
    const best = Math.max(...log.filter(Number.isFinite));
    return marginal(axis, log.map((v) => (Number.isFinite(v) ? Math.exp(v - best) : 0)));
  }

  BP.quadrature = { below, sinc, sinhAxis, scaleAxis, marginal, logDensity, cutOf, prior };
})(typeof module === "object" && module.exports ? module.exports : (globalThis.BP = globalThis.BP || {}));
