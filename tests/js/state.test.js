"use strict";
const { test } = require("node:test");
const assert = require("node:assert/strict");
const path = require("node:path");

const assets = path.join(__dirname, "../../src/bayespool/assets");
const { state: S } = require(path.join(assets, "state.js"));
const { numbers: N } = require(path.join(assets, "numbers.js"));
const { words: W } = require(path.join(assets, "words.js"));
const { controls: C } = require(path.join(assets, "controls.js"));

const HOSTILE = "<img src=x onerror=alert(1)>";

function outcome(more) {
  return {
    id: "mortality", title: "Mortality", question: "Does it save lives?", event: "deaths", digest: "4ba7da84", measure: "RR",
    scale: "log", ratio: true, no_effect: 1, effect_name: "risk ratio", symbol: "RR",
    effects: "random", benefit: "lower", important: 0.7, thresholds: [0.9],
    trials: [
      { name: "bowdish_2023", row: 0, doubted: false },
      { name: HOSTILE, row: 1, doubted: true },
      { name: "shi_2021", row: -1, doubted: true },
      { name: "=HYPERLINK(1)", row: 2, doubted: false },
    ],
    doubted: "risk_of_bias = high",
    priors: {
      main: "weak",
      named: [
        { name: "weak", mu: ["Normal", 0, 1], tau: ["HalfNormal", 0.5], says: "" },
        { name: "sceptical", mu: ["Normal", 0, 0.2168], tau: ["HalfNormal", 0.5], says: "" },
      ],
    },
    absolute: { measure: "RR", important: 30, headline: "median", surface: null,
      baselines: { median: 0.25, low: 0.1, high: 0.5, crude: 0.3, model: 0.27 } },
    ...more,
  };
}

/** A marginal of Normal(mean, sd), by a series of its own. */
function normal(mean, sd) {
  const cdf = (v) => {
    const z = (v - mean) / sd;
    let [sum, term] = [z, z];
    for (let i = 1; i < 200; i++) sum += term *= (z * z) / (2 * i + 1);
    return 0.5 + sum * Math.exp(-z * z / 2) / Math.sqrt(2 * Math.PI);
  };
  const quantile = (p) => {
    let [low, high] = [mean - 6 * sd, mean + 6 * sd];
    for (let i = 0; i < 80; i++) {
      const middle = (low + high) / 2;
      if (cdf(middle) < p) low = middle;
      else high = middle;
    }
    return (low + high) / 2;
  };
  return { cdf, sf: (v) => 1 - cdf(v), quantile };
}
const answer = { why: "", trouble: "", mu: normal(-0.35, 0.2), theta_new: normal(-0.35, 0.4), tau: normal(1, 0.1) };
const prior = normal(0, 1);

test("the main analysis writes no link", () => {
  const one = outcome();
  assert.equal(S.toFragment([one], { mortality: S.defaults(one) }), "");
});

test("a link holds what differs and gives the same state back", () => {
  const one = outcome();
  const asked = { prior: "sceptical", threshold: 0.9, without: [3, 0], trust: 0.5, baseline: 0.2, bands: [5, 20, 60] };
  const state = S.merged(one, S.defaults(one), asked);
  const link = S.toFragment([one], { mortality: state });
  assert.equal(link,
    "#mortality.p=sceptical&mortality.t=0.9&mortality.x=0.3&mortality.w=0.5&mortality.b=0.2&mortality.g=5,20,60&mortality.d=4ba7da84");
  assert.deepEqual(S.fromFragment(link, [one]), { states: { mortality: state }, notes: [] });
});

test("a prior of one's own goes through the link with all its digits", () => {
  const one = outcome();
  const state = S.merged(one, S.defaults(one), { mu: ["StudentT", 3, -0.1, 1 / 3], tau: ["LogNormal", -2, 0.7] });
  assert.equal(state.prior, null);
  const { states } = S.fromFragment(S.toFragment([one], { mortality: state }), [one]);
  assert.deepEqual(states.mortality, state);
});

test("a prior that equals a named one takes its name", () => {
  const one = outcome();
  const away = S.merged(one, S.defaults(one), { mu: ["Normal", 0.1, 1] });
  assert.equal(S.merged(one, away, { mu: ["Normal", 0, 1] }).prior, "weak");
});

test("what a link cannot mean is ignored", () => {
  const one = outcome();
  const main = S.defaults(one);
  for (const bad of [
    "t=-1", "t=0", "t=NaN", "t=Infinity", "w=2", "w=-0.1", "b=0", "b=1", "b=x", "x=2", "x=9", "x=a.-1",
    "p=none", "p=__proto__", "m=Normal,0,-1", "m=Normal,0", "m=eval,1,2", "m=toString", "h=HalfNormal,0",
    "h=Uniform,-1,1", "g=3,2,1", "g=1,2", "zz=1",
  ]) {
    const { states, notes } = S.fromFragment(`#mortality.${bad}`, [one]);
    assert.deepEqual(states.mortality, main, bad);
    assert.match(notes.join(" "), /could not be read/, bad);
  }
  assert.deepEqual(S.fromFragment("#mortality.t=0.9", [one]).notes, []);
  assert.equal({}.t, undefined); // no link reaches the prototype of objects
  for (const text of ["", "#", "#mortality", "#%E0%A4%A", "#a=b&=&.=", "#__proto__.t=1", "#other.t=0.9"]) {
    assert.deepEqual(S.fromFragment(text, [one]).states, {}, text);
  }
});

test("a link made with other data is not applied, and says so", () => {
  const { states, notes } = S.fromFragment("#mortality.x=0&mortality.d=00000000", [outcome()]);
  assert.deepEqual(states, {});
  assert.match(notes[0], /made with other data/);
});

test("trials left out weigh 0, doubted ones the trust, those without a row nothing", () => {
  const one = outcome();
  const state = S.merged(one, S.defaults(one), { without: [0], trust: 0.25 });
  assert.deepEqual(S.weights(one, state), [0, 0.25, 1]);
});

test("a common effect keeps no prior on tau", () => {
  const one = outcome({ effects: "common", priors: { main: "flat", named: [{ name: "flat", mu: ["Flat"], tau: null }] } });
  assert.equal(S.merged(one, S.defaults(one), { tau: ["HalfNormal", 1] }).tau, null);
});

test("the statement says the setting and its numbers in plain words", () => {
  const one = outcome();
  const state = S.merged(one, S.defaults(one), { prior: "sceptical", threshold: 0.9, without: [0] });
  const said = S.statement(one, state, N.numbers(one, state, answer, null, prior));
  // Phi((log 0.9 + 0.35) / 0.2) = Phi(1.2232) = 0.889; with SD 0.4, Phi(0.6116) = 0.730.
  assert.equal(said,
    "Mortality (Does it save lives?): with the sceptical prior, without bowdish_2023, P(RR < 0.9) is 0.889 (0.730 in a new trial like these). " +
    "The risk ratio is 0.70, 95 % interval 0.48 to 1.04. At a control risk of 250 per 1,000 that is " +
    "74 fewer deaths per 1,000 (131 fewer to 11 more).");
});

test("the statement names a prior of one's own, the trust and a hostile trial as they are", () => {
  const one = outcome();
  const state = S.merged(one, S.defaults(one), { mu: ["Normal", 0.1, 1], trust: 0.5, without: [1, 3] });
  const said = S.statement(one, state, N.numbers(one, state, answer, null, prior));
  assert.ok(said.startsWith(
    "Mortality (Does it save lives?): with the prior mu ~ Normal(0.1, 1) (95 % of it between RR 0.14 and 7.1) and tau ~ HalfNormal(0.5), " +
    `without ${HOSTILE} and =HYPERLINK(1), the probability of benefit, P(RR < 1), is 0.960 (`), said);
  // Doubted trials that are left out do not count for less; those that stay do.
  const say = (more) => {
    const next = S.merged(one, S.defaults(one), more);
    return S.statement(one, next, N.numbers(one, next, answer, null, prior));
  };
  assert.match(say({ trust: 0.5 }), /with the weak prior, trials with risk_of_bias = high counted at 0.50, the prob/);
  assert.match(say({ trust: 0 }), /with the weak prior, without the trials with risk_of_bias = high, the prob/);
});

test("with every trial left out the statement says that it is the prior", () => {
  const one = outcome({ question: "" });
  const state = S.merged(one, S.defaults(one), { without: [0, 1, 3] });
  const said = S.statement(one, state, N.numbers(one, state, answer, null, prior));
  assert.ok(said.startsWith(
    "Mortality: with the weak prior, no trials are left: this is the prior; the probability of benefit, P(RR < 1), is 0.960 ("), said);
  const some = S.merged(one, S.defaults(one), { without: [0, 3] });
  assert.doesNotMatch(S.statement(one, some, N.numbers(one, some, answer, null, prior)), /this is the prior/);
});

test("no answer is a sentence and no number", () => {
  const one = outcome();
  const state = S.defaults(one);
  const numbers = N.numbers(one, state, { why: "A flat prior needs data.", trouble: "" }, null, prior);
  assert.deepEqual(numbers.live, {});
  assert.equal(S.statement(one, state, numbers),
    "Mortality (Does it save lives?): with the weak prior and all 3 trials, there is no answer: A flat prior needs data.");
  const broken = N.numbers(one, state, { ...answer, mu: normal(NaN, 1) }, null, prior);
  assert.match(broken.why, /beyond/);
});

test("without a declared benefit both sides are given", () => {
  const one = outcome({ benefit: null, absolute: null, question: "" });
  const state = S.defaults(one);
  const { live } = N.numbers(one, state, answer, null, prior);
  assert.ok(Math.abs(live.prob_below.value - 0.95994) < 1e-4);
  assert.ok(Math.abs(live.prob_below.value + live.prob_above.value - 1) < 1e-12);
  assert.equal(live.prob_important, undefined);
  assert.match(S.statement(one, state, { why: "", range: null, live }), /^Mortality: with the weak prior and all 3 trials, P\(RR < 1\) is 0\.960 \(/);
});

test("absolute effects follow the risk, also where the odds ratio gives them", () => {
  const one = outcome();
  const { live } = N.numbers(one, S.defaults(one), answer, null, prior);
  assert.ok(Math.abs(live["absolute.median"].value - 250 * (Math.exp(-0.35) - 1)) < 1e-6);
  assert.ok(Math.abs(live["risk.upper"].value - 0.25 * Math.exp(-0.35 + 1.959964 * 0.2)) < 1e-6);
  // At least 30 fewer of 250 is RR at most 0.88.
  assert.ok(Math.abs(live.prob_absolute.value - answer.mu.cdf(Math.log(0.88))) < 1e-9);
  const odds = { why: "", mu: normal(-0.5, 0.3), theta_new: null };
  // At 950 per 1,000 the risk ratio would take 2 % of the risks past 1; at 250 it takes none.
  const high = N.numbers(one, { ...S.defaults(one), baseline: 0.95 }, answer, odds, prior);
  const o = 19 * Math.exp(-0.5);
  assert.ok(Math.abs(high.live["risk.median"].value - o / (1 + o)) < 1e-9);
  assert.match(high.by.says, /odds ratio/);
  assert.ok(Math.abs(high.live.prob_odds.value - odds.mu.cdf(0)) < 1e-12); // of any benefit, by the same measure
  assert.equal(live.prob_odds, undefined);
  const low = N.numbers(one, S.defaults(one), answer, odds, prior);
  assert.equal(low.by.says, "");
  assert.equal(low.live["risk.median"].value, live["risk.median"].value);
});

test("the odds ratio has a prior under the sets that say something about it, and no other", () => {
  const odds = { mu: ["Normal", 0, 1.2], tau: ["HalfNormal", 0.6] };
  const one = outcome();
  one.priors.named[0].odds = odds;
  one.priors.named[1].odds = null;
  const under = (more) => S.oddsPriors(one, S.merged(one, S.defaults(one), more));
  assert.deepEqual(under({}), odds);
  assert.equal(under({ prior: "sceptical" }), null);
  assert.equal(under({ mu: ["Normal", 0, 0.22] }), null); // of one's own
  assert.equal(under({ tau: ["HalfNormal", 1] }), null);
  const back = S.merged(one, S.merged(one, S.defaults(one), { prior: "sceptical" }), { mu: ["Normal", 0, 1] });
  assert.deepEqual(S.oddsPriors(one, back), odds); // a prior that equals the weak one is it
  assert.equal(S.oddsPriors(outcome(), S.defaults(outcome())), null);
});

test("without a prior on the odds ratio the risks are held at 1, and the page says so", () => {
  const one = outcome({ benefit: "higher", important: 1.4 });
  const up = { ...answer, mu: normal(0.35, 0.3), theta_new: normal(0.35, 0.5) };
  const state = { ...S.defaults(one), baseline: 0.6 };
  const { live, by } = N.numbers(one, state, up, null, prior);
  assert.equal(by.measure, "RR");
  assert.match(by.says, /past 1; they are held at 1/);
  assert.ok(Math.abs(live["absolute.median"].value - 600 * (Math.exp(0.35) - 1)) < 1e-6);
  for (const key of ["absolute.upper", "absolute_new.upper"]) assert.equal(live[key].value, 400);
  assert.equal(live["risk.upper"].value, 1);
  assert.ok(Math.abs(live.prob_absolute.value - up.mu.sf(Math.log(1.05))) < 1e-9);
  assert.equal(live.nnt.text, "NNTB 4 (NNTB 3 to ∞ to NNTH 8)");
  const numbers = N.numbers(one, state, up, null, prior);
  assert.match(S.statement(one, state, numbers), / At a control risk of 600 per 1,000, with risks past 1 held at 1, that is 251 more/);
  const odds = { why: "", mu: normal(0.5, 0.3), theta_new: null };
  const both = N.numbers(one, state, up, odds, prior);
  assert.match(S.statement(one, state, both), / By the odds ratio, at a control risk of 600 per 1,000 that is/);
});

test("risks beyond 0 and 1 have no probability and hold the treated risk", () => {
  const one = outcome({ benefit: "higher" });
  assert.equal(N.treated(0.8, 1, "RR", "log"), 1);
  assert.equal(N.treated(0.1, -0.5, "RD", "identity"), 0);
  assert.equal(N.betterBy(answer.mu, 30, one, 0.99, "RR"), 0);
  assert.equal(N.betterBy(answer.mu, 30, outcome(), 0.02, "RR"), 0);
  for (const measure of ["OR", "RR", "RD"]) {
    const scale = measure === "RD" ? "atanh" : "log";
    assert.ok(Math.abs(N.treated(0.3, N.effectFor(0.2, 0.3, measure, scale), measure, scale) - 0.2) < 1e-12);
  }
});

test("numbers needed to treat are written in Altman's style", () => {
  assert.equal(W.needed(-0.0736, -0.1367, 0.000154, "lower"), "NNTB 14 (NNTB 8 to ∞ to NNTH 6,500)");
  assert.equal(W.needed(-0.1, -0.2, -0.05, "lower"), "NNTB 10 (NNTB 5 to 20)");
  assert.equal(W.needed(0.1, 0.05, 0.2, "lower"), "NNTH 10 (NNTH 5 to 20)");
  assert.equal(W.needed(0, 0, 0, "higher"), "∞");
});

test("imprecision counts the edges that the interval crosses", () => {
  const one = outcome();
  const bands = S.bandsOf(one, null);
  assert.deepEqual(bands, [30, 60, 120]);
  const levels = (low, high) => S.imprecision(one, bands, low, high).levels;
  assert.equal(levels(-29, 29), 0); // trivial spans no effect
  assert.equal(levels(-30, 30), 0); // an end on an edge does not cross it
  assert.equal(levels(-119, -61), 0);
  assert.equal(levels(-50, 29), 1);
  assert.equal(levels(-90, -5), 2);
  assert.equal(levels(-50, 50), 2);
  assert.equal(levels(-137, 0), 3);
  assert.equal(levels(-500, 500), 3);
  assert.equal(S.imprecision(one, bands, -137, 0.2).holds, "large benefit to trivial effect");
  assert.equal(S.imprecision(outcome({ benefit: null }), bands, -50, 50).holds, "small decrease to small increase");
  assert.equal(S.imprecision(one, null, -1, 1), null);
});

test("bands of a ratio are mirrored as ratios, those of a difference by sign", () => {
  const ratio = outcome({ absolute: null });
  const bands = S.bandsOf(ratio, null);
  assert.ok(bands[0] === 0.7 && Math.abs(bands[1] - 0.49) < 1e-12);
  assert.equal(S.imprecision(ratio, [0.9, 0.7, 0.5], 0.95, 1.1).levels, 0);
  assert.equal(S.imprecision(ratio, [0.9, 0.7, 0.5], 0.95, 1.5).levels, 2); // past 1/0.9 and 1/0.7
  const difference = outcome({ absolute: null, ratio: false, scale: "identity", important: -20 });
  assert.deepEqual(S.bandsOf(difference, null).map(Math.round), [-20, -40, -80]);
  assert.equal(S.imprecision(difference, [-7, -20, -40], -48, -17).levels, 2);
  assert.equal(S.bandsOf(outcome({ absolute: null, important: null }), null), null);
  assert.equal(S.areBands(ratio, [0.9, 0.95, 0.5]), false);
  assert.equal(S.bandsSaid(outcome(), [30, 60, 120]), "30, 60 and 120 deaths per 1,000");
  assert.equal(S.bandsSaid(ratio, [0.9, 0.7, 0.5]), "RR 0.9, 0.7 and 0.5");
  assert.equal(S.bandsSaid({ ...difference, symbol: "MD", unit: "mg/L" }, [-20, -40, -80]), "MD −20, −40 and −80 mg/L");
});

test("no cell of the table is a formula, and numbers stay numbers", () => {
  for (const text of ["=1+1", "+1", "-1", "@x", "\tx", "\rx"]) assert.match(S.cell(text), /^"?'/);
  assert.equal(S.cell("x;=1+1"), "x;'=1+1"); // a semicolon may part cells
  assert.equal(S.cell(-3.5), "-3.5");
  assert.equal(S.cell(0.123456789), "0.123457");
  assert.equal(S.cell(12345678), "12345678"); // counts keep all their digits
  assert.equal(S.cell(NaN), "");
  assert.equal(S.csv([["a,b", 'say "no"', null, "line\nbreak"], [HOSTILE]]),
    `"a,b","say ""no""",,"line\nbreak"\r\n${HOSTILE}\r\n`);
});

test("numbers are written as in the text report", () => {
  assert.equal(W.probability(0.9748), "0.975");
  assert.equal(W.probability(0.99951), ">0.999");
  assert.equal(W.probability(0.0004), "<0.001");
  assert.equal(W.number(-0.001, 2), "0.00");
  assert.equal(W.number(-31.6, 0), "−32");
  assert.equal(W.number(0.0004, 2, true), "0.0004");
  assert.equal(W.decimalsFor(false, [[-48, -17]]), 0);
  assert.equal(W.difference(-73.6), "74 fewer");
  assert.equal(W.difference(0.15), "0 more");
});

test("the slider of the control risk is fine at low risks and stays where it is put", () => {
  for (let step = -345; step <= 345; step++) {
    const odds = step * 0.02;
    const risk = C.riskAt(odds);
    assert.ok(risk > 0 && risk < 1);
    assert.equal(Math.round(C.logOdds(risk) / 0.02), step); // no step is rounded back
  }
  assert.ok(C.riskAt(-4.58) - C.riskAt(-4.6) < 0.0003); // near 10 per 1,000
  assert.equal(C.riskAt(0), 0.5);
});

test("a field's sentence says what the measure allows", () => {
  const one = outcome();
  assert.equal(C.wrong(one, "threshold-number", 0.9), "");
  assert.match(C.wrong(one, "threshold-number", 0), /above 0/);
  assert.match(C.wrong(outcome({ ratio: false, scale: "atanh" }), "threshold-number", -1), /between −1 and 1/);
  assert.match(C.wrong(outcome({ ratio: false, scale: "identity" }), "threshold-number", NaN), /number/);
  assert.equal(C.wrong(one, "baseline-number", 250), "");
  for (const bad of [0, 1000, NaN]) assert.match(C.wrong(one, "baseline-number", bad), /below 1,000/);
});

test("sliders move a prior and keep its family", () => {
  assert.deepEqual(C.moved(["StudentT", 3, 0, 0.27], -0.2, 0.3), ["StudentT", 3, -0.2, 0.3]);
  assert.deepEqual(C.moved(["Flat"], 0, 2), ["Normal", 0, 2]);
  for (const spec of [["HalfNormal", 0.5], ["HalfStudentT", 3, 0.5], ["Exponential", 2], ["Gamma", 2, 4],
    ["LogNormal", -2, 0.7], ["InverseGamma", 1.6, 0.25], ["LogStudentT", 5, -3, 1.4], ["Uniform", 0, 2]]) {
    const back = C.ofScale(spec[0], C.scaleOf(spec), spec);
    spec.slice(1).forEach((x, i) => assert.ok(Math.abs(back[i + 1] - x) < 1e-12, spec[0]));
  }
  assert.equal(C.scaleOf(["Flat"]), null);
});

test("units go there and back, and risks stay risks", () => {
  const close = (found, wanted) => assert.ok(Math.abs(found - wanted) <= 1e-12, `${found} is not ${wanted}`);
  for (const [scale, v] of [["log", 0.7], ["atanh", -0.3], ["identity", 12]]) {
    close(S.toNatural(S.toAnalysis(v, scale), scale), v);
  }
  assert.equal(N.treated(0.5, Math.log(3), "RR", "log"), 1);
  close(N.treated(0.2, Math.log(2), "OR", "log"), 1 / 3);
  assert.equal(N.treated(0.1, -0.4, "RD", "identity"), 0);
});
