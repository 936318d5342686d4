/* The engine of the page against closed forms and brute-force sums that share no code with it. */
"use strict";

const assert = require("node:assert");
const path = require("node:path");
const test = require("node:test");
const zlib = require("node:zlib");

const assets = path.join(__dirname, "../../src/bayespool/assets");
const { quadrature } = require(path.join(assets, "quadrature.js"));
const { engine } = require(path.join(assets, "engine.js"));

const LEVELS = 16384;
const ESTIMATES = [[-0.5, 0.3], [0.1, 0.4], [-0.9, 0.5]];
const TAU = { scale: 0.3, first: -2.5, step: 0.1, count: 88 };
const MU = { centres: [0], widths: [0.7], first: -7.2, step: 0.06 };

const close = (found, wanted, by, what) =>
  assert.ok(Math.abs(found - wanted) <= by, `${what || ""} ${found} is not within ${by} of ${wanted}`);

function normalCdf(z) {
  // 20,000 midpoints of the density: slow, and nobody else's code.
  const [low, n] = [-12, 20000];
  if (z <= low) return 0;
  const h = (z - low) / n;
  let sum = 0;
  for (let i = 0; i < n; i++) sum += Math.exp(-0.5 * (low + (i + 0.5) * h) ** 2);
  return (sum * h) / Math.sqrt(2 * Math.PI);
}

/** Estimates with known errors, packed as the Python engine packs a surface. */
function packed(effects, estimates = ESTIMATES) {
  const mu = Array.from({ length: 241 }, (_, i) => 0.7 * Math.sinh(MU.first + i * MU.step));
  const tau = [0];
  if (effects !== "common") {
    for (let i = 0; i < TAU.count; i++) {
      const x = TAU.first + i * TAU.step;
      tau.push(TAU.scale * Math.exp(x - Math.exp(-x)));
    }
  }
  const [m, b] = [mu.length, tau.length];
  const codes = new Uint32Array(estimates.length * m * b);
  estimates.forEach(([y, s], k) => {
    const log = (a, j) => {
      const v = s * s + tau[j] * tau[j];
      return -0.5 * (y - mu[a]) ** 2 / v - 0.5 * Math.log(v);
    };
    let best = -Infinity;
    for (let a = 0; a < m; a++) for (let j = 0; j < b; j++) best = Math.max(best, log(a, j));
    const q = (a, j) => (a < 0 ? 0 : Math.round(Math.max(log(a, j) - best, -3000) * LEVELS));
    const second = (a, j) => q(a, j) - 2 * q(a - 1, j) + q(a - 2, j);
    for (let a = 0; a < m; a++) {
      for (let j = 0; j < b; j++) {
        const d = j ? second(a, j) - second(a, j - 1) : second(a, j);
        codes[(k * m + a) * b + j] = ((d << 1) ^ (d >> 31)) >>> 0;
      }
    }
  });
  const bytes = Buffer.alloc(4 * codes.length);
  codes.forEach((code, i) => {
    for (let plane = 0; plane < 4; plane++) bytes[plane * codes.length + i] = (code >>> (8 * plane)) & 255;
  });
  return {
    mu: { nodes: mu, ...MU },
    tau: effects === "common" ? null : TAU,
    effects,
    informing: estimates.map(() => true),
    levels: LEVELS,
    log_l: zlib.deflateSync(bytes).toString("base64"),
  };
}

/** P(mu < 0), P(new trial < 0), E tau by plain sums over 400 x 1,000 points of (tau, mu). */
function brute(weights, [m, sd], tauDensity) {
  let [all, below, fresh, tau1] = [0, 0, 0, 0];
  const lowest = weights.map((w, i) => (w ? ESTIMATES[i] : null)).filter(Boolean);
  for (let i = 0; i < 400; i++) {
    const tau = 4 * ((i + 0.5) / 400) ** 2;
    const wide = ((i + 0.5) / 400) * tauDensity(tau);
    for (let j = 0; j < 1000; j++) {
      const mu = -4 + (j + 0.5) * 0.008;
      let log = -0.5 * ((mu - m) / sd) ** 2;
      ESTIMATES.forEach(([y, s], k) => {
        const v = s * s + tau * tau;
        log += weights[k] * (-0.5 * (y - mu) ** 2 / v - 0.5 * Math.log(v));
      });
      const p = wide * Math.exp(log);
      all += p;
      tau1 += p * tau;
      if (mu < 0) below += p;
      const z = -mu / tau;
      fresh += p * (z > 8 ? 1 : z < -8 ? 0 : 0.5 * (1 + Math.tanh(0.7978845608 * z * (1 + 0.044715 * z * z))));
    }
  }
  assert.ok(lowest.length);
  return { mu: below / all, fresh: fresh / all, tau: tau1 / all };
}

test("the integral of sinc is that of many midpoints", () => {
  for (const d of [-30.4, -3.3, -0.01, 0, 0.5, 1, 2.77, 100.123]) {
    const n = 200000;
    let sum = 0;
    for (let i = 0; i < n; i++) {
      const x = ((i + 0.5) / n) * d;
      sum += Math.sin(Math.PI * x) / (Math.PI * x);
    }
    close(quadrature.below(d), 0.5 + (d ? (sum * d) / n : 0), 1e-8, `at ${d}`);
  }
  assert.equal(quadrature.below(5000), 1);
});

test("priors have the probabilities and quantiles of closed forms", () => {
  const normal = engine.prior(["Normal", 0.3, 0.7], "mu");
  for (const v of [-1, 0.3, 1.2]) close(normal.cdf(v), normalCdf((v - 0.3) / 0.7), 1e-7);
  close(normal.quantile(0.975), 0.3 + 0.7 * 1.959963985, 1e-6);
  close(normal.density(0.3), 1 / (0.7 * Math.sqrt(2 * Math.PI)), 1e-7);
  const cauchy = engine.prior(["Cauchy", 0, 1], "mu");
  close(cauchy.cdf(1), 0.75, 1e-6);
  close(engine.prior(["StudentT", 3, 0, 1], "mu").cdf(1.6377443537), 0.9, 1e-6);
  close(engine.prior(["Logistic", 0, 2], "mu").cdf(2), 1 / (1 + Math.exp(-1)), 1e-6);
  close(engine.prior(["HalfNormal", 0.5], "tau").quantile(0.5), 0.5 * 0.6744897502, 1e-6);
  close(engine.prior(["HalfCauchy", 2], "tau").quantile(0.5), 2, 1e-5);
  close(engine.prior(["Exponential", 4], "tau").quantile(0.95), -Math.log(0.05) / 4, 1e-6);
  close(engine.prior(["LogNormal", -1, 0.8], "tau").quantile(0.5), Math.exp(-1), 1e-6);
  close(engine.prior(["LogStudentT", 5, -2, 1], "tau").quantile(0.5), Math.exp(-1), 1e-6);
  close(engine.prior(["InverseGamma", 1, 0.4], "tau").quantile(0.5), 0.4 / Math.log(2), 1e-5);
  close(engine.prior(["Gamma", 1, 3], "tau").quantile(0.5), Math.log(2) / 3, 1e-6);
  close(engine.prior(["Uniform", 0, 4], "tau").quantile(0.25), 1, 1e-12);
  assert.equal(engine.prior(["Flat"], "mu"), null);
});

test("a common effect has the conjugate posterior, with any weights", async () => {
  const surface = await engine.unpack(packed("common"));
  for (const [weights, m, sd] of [[[1, 1, 1], 0, 1], [[1, 0, 0.4], 0.5, 0.3], [[0, 1, 0], -1, 2]]) {
    const found = engine.answer(surface, { weights, mu: ["Normal", m, sd], tau: null });
    let [precision, sum] = [1 / sd ** 2, m / sd ** 2];
    ESTIMATES.forEach(([y, s], i) => {
      precision += weights[i] / s ** 2;
      sum += (weights[i] * y) / s ** 2;
    });
    const [mean, width] = [sum / precision, 1 / Math.sqrt(precision)];
    for (const z of [-2, -0.5, 0, 1.3]) close(found.mu.cdf(mean + z * width), normalCdf(z), 2e-5);
    close(found.mu.quantile(0.025), mean - 1.959963985 * width, 2e-4 * width);
    assert.equal(found.tau, null);
    assert.equal(found.theta_new, null);
  }
  const flat = engine.answer(surface, { weights: [1, 0, 0], mu: ["Flat"], tau: null });
  close(flat.mu.quantile(0.5), -0.5, 1e-4);
});

test("random effects agree with brute force under several priors and weights", async () => {
  const surface = await engine.unpack(packed("random"));
  const cases = [
    [[1, 1, 1], [0, 1], ["HalfNormal", 0.5], (t) => Math.exp(-0.5 * (t / 0.5) ** 2)],
    [[1, 0, 1], [0.4, 0.5], ["Exponential", 3], (t) => Math.exp(-3 * t)],
    [[1, 0.5, 0.2], [-0.2, 0.3], ["LogNormal", -1, 0.7], (t) => Math.exp(-0.5 * ((Math.log(t) + 1) / 0.7) ** 2) / t],
    [[1, 1, 1], [0, 2], ["Uniform", 0, 1], (t) => (t < 1 ? 1 : 0)],
  ];
  for (const [weights, [m, sd], tau, density] of cases) {
    const found = engine.answer(surface, { weights, mu: ["Normal", m, sd], tau });
    const wanted = brute(weights, [m, sd], density);
    assert.equal(found.trouble, "");
    close(found.mu.cdf(0), wanted.mu, 3e-4, tau[0]);
    close(found.theta_new.cdf(0), wanted.fresh, 8e-4, tau[0]);
    close(found.tau.quantile(found.tau.cdf(wanted.tau)), wanted.tau, 1e-6);
  }
});

test("a trial's own effect lies between its estimate and the others", async () => {
  const surface = await engine.unpack(packed("random"));
  const setting = { weights: [1, 1, 0], mu: ["Normal", 0, 1], tau: ["HalfNormal", 0.3] };
  const found = engine.answer(surface, setting);
  const middle = found.theta(1).quantile(0.5);
  assert.ok(middle < ESTIMATES[1][0] && middle > found.mu.quantile(0.5));
  assert.equal(found.theta(2), null);
});

test("Student-t effects spread a new trial further than normal ones of the same scale", async () => {
  const setting = { weights: [1, 1, 1], mu: ["Normal", 0, 1], tau: ["LogNormal", -1, 0.01] };
  const [normal, t] = await Promise.all(
    ["random", "t"].map(async (effects) => engine.answer(await engine.unpack(packed(effects)), setting)),
  );
  const wide = (found) => found.theta_new.quantile(0.995) - found.theta_new.quantile(0.005);
  assert.ok(wide(t) > 1.2 * wide(normal));
});

test("the atlas holds what single answers say", async () => {
  const surface = await engine.unpack(packed("random"));
  const weights = [1, 1, 0.5];
  const asked = { weights, centre: 0.1, sds: [0.2, 1, 5], scales: [0.1, 1], at: -0.1, lower: true };
  const rows = engine.atlas(surface, asked);
  asked.sds.forEach((sd, i) =>
    asked.scales.forEach((scale, j) => {
      const one = engine.answer(surface, { weights, mu: ["Normal", 0.1, sd], tau: ["HalfNormal", scale] });
      close(rows[i][j], one.mu.cdf(-0.1), 1e-9);
    }),
  );
  const above = engine.atlas(surface, { ...asked, lower: false });
  close(rows[1][1] + above[1][1], 1, 1e-12);
});

test("settings without a posterior, or beyond the grid, say so", async () => {
  const surface = await engine.unpack(packed("random"));
  const flat = (weights) =>
    engine.answer(surface, { weights, mu: ["Flat"], tau: ["Flat"] }).why;
  assert.match(flat([1, 1, 0]), /three/);
  assert.equal(flat([1, 1, 1]), "");
  assert.match(engine.answer(surface, { weights: [0, 0, 0], mu: ["Flat"], tau: ["HalfNormal", 1] }).why, /flat/i);
  const sharp = engine.answer(surface, { weights: [1, 1, 1], mu: ["Normal", 3, 0.001], tau: ["HalfNormal", 1] });
  assert.match(sharp.trouble, /sharper/);
  const cut = engine.answer(surface, { weights: [1, 1, 1], mu: ["Uniform", 1, 3], tau: ["HalfNormal", 0.1] });
  assert.match(cut.trouble, /sharper/);
});
