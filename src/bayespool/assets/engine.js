// The exact engine in the page: every answer is a weighted sum over the trials' log likelihoods
// on one grid of (mu, tau), the same sums that the Python engine makes.
(function (BP) {
  "use strict";

  const Q = BP.quadrature || require("./quadrature.js").quadrature;
  const { below, sinc, sinhAxis, scaleAxis, marginal, logDensity, cutOf, prior } = Q;

  // --- the surface --------------------------------------------------------------------------------

  /** Read what `pack` of the Python engine wrote. */
  async function unpack(packed) {
    const bytes = Uint8Array.from(atob(packed.log_l), (c) => c.charCodeAt(0));
    const inflated = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    const planes = new Uint8Array(await new Response(inflated).arrayBuffer());
    const k = packed.informing.length;
    const mu = Float64Array.from(packed.mu.nodes);
    const t = packed.tau;
    const tauAxis = t && scaleAxis(t.scale, t.first, t.step, t.count);
    const tau = Float64Array.from(t ? [0, ...tauAxis.nodes] : [0]);
    const [m, b] = [mu.length, tau.length];
    const n = k * m * b;
    const logL = [];
    for (let i = 0; i < k; i++) {
      const row = new Float64Array(m * b);
      const d = new Int32Array(m * b);
      for (let j = 0; j < m * b; j++) {
        const at = i * m * b + j;
        const z =
          planes[at] | (planes[n + at] << 8) | (planes[2 * n + at] << 16) | (planes[3 * n + at] << 24);
        d[j] = (z >>> 1) ^ -(z & 1);
      }
      if (b > 1) for (let j = 0; j < m * b; j++) if (j % b) d[j] += d[j - 1];
      for (let turn = 0; turn < 2; turn++) for (let j = b; j < m * b; j++) d[j] += d[j - b];
      for (let j = 0; j < m * b; j++) row[j] = d[j] / packed.levels;
      logL.push(row);
    }
    const muAxis = sinhAxis(packed.mu.centres, packed.mu.widths, packed.mu.first, packed.mu.step, mu);
    return {
      k, mu, tau, muAxis, tauAxis, logL,
      effects: packed.effects,
      informing: packed.informing,
      logSlopeMu: mu.map((v) => Math.log(muAxis.slope(v) * muAxis.step)),
      logSlopeTau: tau.map((v, j) => (j ? Math.log(tauAxis.slope(v) * tauAxis.step) : 0)),
      spreads: new Map(),
    };
  }

  /** Sum of the trials' log likelihoods by weight, over the grid. */
  function summed(surface, weights) {
    const sum = new Float64Array(surface.mu.length * surface.tau.length);
    weights.forEach((w, i) => {
      if (w === 0) return;
      const row = surface.logL[i];
      for (let j = 0; j < sum.length; j++) sum[j] += w * row[j];
    });
    return sum;
  }

  /** Log prior mass at the nodes, quadrature weights included; cut: what of it lies within. */
  function muMass(surface, spec) {
    const f = logDensity(spec);
    return surface.mu.map((v, i) => f(v) + surface.logSlopeMu[i]);
  }

  function tauMass(surface, spec) {
    if (surface.tau.length === 1) return Float64Array.of(0);
    const f = logDensity(spec);
    const mass = surface.tau.map((v, j) => (j ? f(v) + surface.logSlopeTau[j] : 0));
    // All below the first node is taken at tau = 0.
    mass[0] = f(surface.tau[1]) + Math.log(surface.tau[1]);
    mass[1] -= Math.LN2;
    return mass;
  }

  /** How much of each node's cell lies within [low, high]. */
  function within(axis, cut) {
    const { toX, first, step, nodes } = axis;
    const share = (v, i) => (v <= 0 && nodes[0] > 0 ? 0 : below((toX(v) - first) / step - i));
    const low = (i) => (cut[0] > nodes[0] ? share(cut[0], i) : 0);
    return Float64Array.from(nodes, (_, i) => share(cut[1], i) - low(i));
  }

  /** Why these priors have no posterior here, or "". As `check_proper` of the Python engine. */
  function improper(surface, { weights, mu, tau }) {
    const mass = weights.reduce((sum, w, i) => sum + (surface.informing[i] ? w : 0), 0);
    const k = Math.floor(mass + 1e-9);
    const flatMu = mu[0] === "Flat";
    if (tau && surface.tau.length > 1 && tau[0] === "Flat" && k < (flatMu ? 3 : 2)) {
      return `A flat prior on tau needs ${flatMu ? "three" : "two"} trials that say something about the effect.`;
    }
    if (flatMu && k < 1) return "A flat prior on the effect needs a trial that says something about it.";
    return "";
  }

  /**
   * The posterior of one setting.
   * @param {{weights: number[], mu: Array, tau: Array|null}} setting
   */
  function answer(surface, setting) {
    const why = improper(surface, setting);
    if (why) return { why, trouble: "", mu: null, tau: null, theta_new: null, theta: () => null };
    const { mu, tau, muAxis, tauAxis } = surface;
    const [m, b] = [mu.length, tau.length];
    const log = summed(surface, setting.weights);
    const [ofMu, ofTau] = [muMass(surface, setting.mu), tauMass(surface, setting.tau)];
    let best = -Infinity;
    for (let a = 0; a < m; a++) {
      for (let j = 0; j < b; j++) {
        const v = (log[a * b + j] += ofMu[a] + ofTau[j]);
        if (v > best) best = v;
      }
    }
    const cutMu = cutOf(setting.mu, "mu");
    const cutTau = b > 1 ? cutOf(setting.tau, "tau") : null;
    const inMu = cutMu && within(muAxis, cutMu);
    const inTau = cutTau && within(tauAxis, cutTau);
    const keepMu = (a) => (inMu ? inMu[a] : 1);
    const keepTau = (j) => (inTau && j ? inTau[j - 1] : 1);
    const p = new Float64Array(m * b);
    const [rows, columns] = [new Float64Array(m), new Float64Array(b)];
    let total = 0;
    for (let a = 0; a < m; a++) {
      for (let j = 0; j < b; j++) {
        const mass = Math.exp(log[a * b + j] - best);
        if (!(mass > 0)) continue;
        rows[a] += mass * keepTau(j);
        columns[j] += mass * keepMu(a);
        p[a * b + j] = mass * keepMu(a) * keepTau(j);
        total += p[a * b + j];
      }
    }
    let fresh;
    const normal = {
      why: "",
      trouble: trouble(surface, rows, columns, cutMu, cutTau, total),
      mu: marginal(muAxis, rows, 0, cutMu),
      tau: b > 1 ? marginal(tauAxis, columns.slice(1), columns[0], cutTau) : null,
      get theta_new() {
        if (b === 1) return null;
        fresh = fresh || marginal(muAxis, spread(surface, p));
        return fresh;
      },
      /** Trial i's own effect: what the others predict for it, times what it says itself. */
      theta(i) {
        if (b === 1 || setting.weights[i] !== 1) return null;
        const row = surface.logL[i];
        const others = p.map((mass, j) => (Math.abs(mass) > 1e-16 * total ? mass / Math.exp(row[j]) : 0));
        const own = spread(surface, others);
        for (let a = 0; a < m; a++) own[a] *= Math.exp(row[a * b]);
        return marginal(muAxis, own);
      },
    };
    return normal;
  }

  const COARSE = 0.02; // by so much may half of the nodes miss; all of them miss by its square
  const EDGE = 2e-5; // mass at the grid's last nodes: a heavy tail has ten times as much beyond
  const SLOPE = 20;
  const SHARP = "This setting is sharper than the page's grid resolves: the Python package gives it exactly.";

  /** A sentence where the grid cannot hold or resolve this posterior, or "". */
  function trouble(surface, rows, columns, cutMu, cutTau, total) {
    let [all, even, odd] = [0, 0, 0];
    rows.forEach((mass, a) => (a % 2 ? (odd += mass) : (even += mass)));
    all = even + odd;
    // A uniform prior that cuts most of the likelihood away leaves a slope at its edge.
    const beyond = columns.reduce((sum, mass) => sum + mass, 0);
    if (Math.max(all, beyond) > SLOPE * total) return SHARP;
    const halfMu = cutMu ? 0 : Math.abs(even - odd) / all;
    let halfTau = 0;
    let [evenTau, oddTau] = [0, 0];
    columns.forEach((mass, j) => j > 1 && (j % 2 ? (oddTau += mass) : (evenTau += mass)));
    const inside = evenTau + oddTau;
    if (columns.length > 1 && !cutTau && inside > 0.9 * all) halfTau = Math.abs(evenTau - oddTau) / inside;
    const last = columns.length > 1 ? columns[columns.length - 1] : 0;
    const ends = rows[0] + rows[rows.length - 1];
    if (halfMu > COARSE || halfTau > COARSE) {
      return SHARP;
    }
    if ((last + ends) / all > EDGE) {
      return "This setting reaches beyond the page's grid: the Python package gives it exactly.";
    }
    return "";
  }

  // --- the spread of effects ----------------------------------------------------------------------

  const HERMITE = gaussHermite();

  /** Seven points and weights for a standard normal. */
  function gaussHermite() {
    const z = [0, 1.154405394739968, 2.366759410734541, 3.750439717725742];
    const w = [0.4571428571428572, 0.2401231786050127, 0.03075712396758651, 0.0005482688559722178];
    return [-3, -2, -1, 0, 1, 2, 3].map((i) => [Math.sign(i) * z[Math.abs(i)], w[Math.abs(i)]]);
  }

  /** A Student t with 4 degrees of freedom: normals whose precision is Gamma(2, rate 2). */
  const T_POINTS = gammaNodes().flatMap(([g, u]) => HERMITE.map(([z, w]) => [z / Math.sqrt(g), u * w]));

  function gammaNodes() {
    const logs = Array.from({ length: 12 }, (_, i) => -6 + 0.75 * i);
    const weights = logs.map((x) => Math.exp(2 * x - 2 * Math.exp(x)));
    const all = weights.reduce((sum, w) => sum + w, 0);
    return logs.map((x, i) => [Math.exp(x), weights[i] / all]);
  }

  function spreadDensity(effects, z) {
    if (effects === "t") return 0.375 / (1 + z * z / 4) ** 2.5;
    return Math.exp(-0.5 * z * z) / Math.sqrt(2 * Math.PI);
  }

  /** For one tau, what each node of mu gives to the mass at each node: rows are made when needed. */
  function spreadTable(surface, j) {
    if (!surface.spreads.has(j)) {
      const m = surface.mu.length;
      surface.spreads.set(j, { rows: new Float32Array(m * m), filled: new Uint8Array(m) });
    }
    return surface.spreads.get(j);
  }

  /** Where tau is narrower than the nodes, the density between them is averaged over it. */
  function fillRow(surface, j, { rows, filled }, a) {
    if (filled[a]) return;
    filled[a] = 1;
    const { mu, muAxis, effects } = surface;
    const tau = surface.tau[j];
    const m = mu.length;
    const { first, step } = muAxis;
    const gap = step * muAxis.slope(mu[a]);
    if (tau < (effects === "t" ? 0.05 : 0.02) * gap) {
      rows[a * m + a] = 1;
      return;
    }
    if (tau >= 1.2 * gap) {
      for (let i = 0; i < m; i++) {
        rows[a * m + i] = (gap * spreadDensity(effects, (mu[a] - mu[i]) / tau)) / tau;
      }
      return;
    }
    for (const [z, w] of effects === "t" ? T_POINTS : HERMITE) {
      const at = mu[a] - tau * z;
      const d = (muAxis.toX(at) - first) / step;
      const scale = (w * gap) / (step * muAxis.slope(at));
      const nearest = Math.round(d);
      if (Math.abs(d - nearest) < 1e-9) {
        if (nearest >= 0 && nearest < m) rows[a * m + nearest] += scale;
        continue;
      }
      // sin(pi (d - i)) is that of d with the sign of (-1)^i.
      let wave = (scale * Math.sin(Math.PI * d)) / Math.PI;
      for (let i = 0; i < m; i++, wave = -wave) rows[a * m + i] += wave / (d - i);
    }
  }

  /** Masses at the nodes of the effect in a new trial, from those of (mu, tau). */
  function spread(surface, p) {
    const [m, b] = [surface.mu.length, surface.tau.length];
    const found = new Float64Array(m);
    const columns = new Float64Array(b);
    for (let a = 0; a < m; a++) for (let j = 0; j < b; j++) columns[j] += p[a * b + j];
    const all = columns.reduce((sum, v) => sum + v, 0);
    for (let j = 0; j < b; j++) {
      if (!(Math.abs(columns[j]) > 1e-9 * all)) continue;
      const [at, mass] = [[], []];
      for (let a = 0; a < m; a++) {
        if (Math.abs(p[a * b + j]) > 1e-12 * Math.abs(columns[j])) {
          at.push(a);
          mass.push(p[a * b + j]);
        }
      }
      if (j === 0) {
        at.forEach((a, i) => (found[a] += mass[i]));
        continue;
      }
      const far = surface.effects === "t" ? Infinity : 9 * surface.tau[j];
      const [low, high] = [surface.mu[at[0]] - far, surface.mu[at[at.length - 1]] + far];
      const table = spreadTable(surface, j);
      const rows = table.rows;
      for (let a = 0; a < m; a++) {
        if (surface.mu[a] < low || surface.mu[a] > high) continue;
        fillRow(surface, j, table, a);
        let sum = 0;
        for (let i = 0; i < at.length; i++) sum += mass[i] * rows[a * m + at[i]];
        found[a] += sum;
      }
    }
    return found;
  }

  // --- many priors at once ------------------------------------------------------------------------

  /**
   * P(mu below `at`), or above it, over a plane of priors: Normal(centre, sd) on mu by a
   * one-parameter family on tau. A matrix product.
   * @returns {number[][]} a row for each sd
   */
  function atlas(surface, { weights, centre, sds, scales, at, lower, family = "HalfNormal" }) {
    const [m, b] = [surface.mu.length, surface.tau.length];
    const log = summed(surface, weights);
    let best = -Infinity;
    for (const v of log) if (v > best) best = v;
    const likelihood = log.map((v) => Math.exp(v - best));
    const { toX, first, step } = surface.muAxis;
    const d = (toX(at) - first) / step;
    const better = surface.mu.map((_, a) => (lower ? below(d - a) : 1 - below(d - a)));
    const taus = scales.map((s) => masses(tauMass(surface, [family, s])));
    return sds.map((sd) => {
      const prior = masses(muMass(surface, ["Normal", centre, sd]));
      const [all, good] = [new Float64Array(b), new Float64Array(b)];
      for (let a = 0; a < m; a++) {
        if (prior[a] === 0) continue;
        for (let j = 0; j < b; j++) {
          const mass = prior[a] * likelihood[a * b + j];
          all[j] += mass;
          good[j] += mass * better[a];
        }
      }
      return taus.map((tau) => {
        let [sum, part] = [0, 0];
        for (let j = 0; j < b; j++) {
          sum += all[j] * tau[j];
          part += good[j] * tau[j];
        }
        return Math.min(1, Math.max(0, part / sum));
      });
    });
  }

  function masses(log) {
    const best = log.reduce((top, v) => (v > top ? v : top), -Infinity);
    return log.map((v) => (v - best > -45 ? Math.exp(v - best) : 0));
  }

  BP.engine = { unpack, answer, atlas, prior };
})(typeof module === "object" && module.exports ? module.exports : (globalThis.BP = globalThis.BP || {}));
