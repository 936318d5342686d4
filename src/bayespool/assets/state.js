/* The reader's state: what it may hold, its link, its words, its bands, its file. Pure; works in
   Node. A state is {prior, mu, tau, threshold, without, trust, baseline, bands}. */
(function (BP) {
  "use strict";

  const words = BP.words || require("./words.js").words;

  // Families with their number of arguments and which of them (0-based) are positive.
  const MU = {
    Normal: [2, [1]], StudentT: [3, [0, 2]], Cauchy: [2, [1]], Logistic: [2, [1]],
    Uniform: [2, []], Flat: [0, []],
  };
  const TAU = {
    HalfNormal: [1, [0]], HalfCauchy: [1, [0]], HalfStudentT: [2, [0, 1]], Exponential: [1, [0]],
    LogNormal: [2, [1]], Gamma: [2, [0, 1]], InverseGamma: [2, [0, 1]],
    LogStudentT: [3, [0, 2]], Uniform: [2, []], Flat: [0, []],
  };

  const finite = (x) => typeof x === "number" && Number.isFinite(x);
  const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);

  /** Analysis scale from natural units, and back. */
  function toAnalysis(x, scale) {
    if (scale === "log") return Math.log(x);
    return scale === "atanh" ? Math.atanh(x) : x;
  }
  function toNatural(x, scale) {
    if (scale === "log") return Math.exp(x);
    return scale === "atanh" ? Math.tanh(x) : x;
  }

  /** The main analysis as a state. */
  function defaults(outcome) {
    const main = named(outcome, outcome.priors.main) || outcome.priors.named[0];
    const absolute = outcome.absolute;
    return {
      prior: main.name,
      mu: main.mu,
      tau: main.tau,
      threshold: outcome.no_effect,
      without: [],
      trust: 1,
      baseline: absolute ? absolute.baselines[absolute.headline] : null,
      bands: null,
    };
  }

  const named = (outcome, name) => outcome.priors.named.find((each) => each.name === name);

  /** What the reader's set says about the OR beside an RR; null where it says nothing. */
  function oddsPriors(outcome, state) {
    const set = state.prior !== null && named(outcome, state.prior);
    return (set && set.odds) || null;
  }

  function isPrior(spec, families) {
    if (!Array.isArray(spec) || !Object.hasOwn(families, spec[0])) return false;
    const [count, positive] = families[spec[0]];
    const numbers = spec.slice(1);
    if (numbers.length !== count || !numbers.every(finite)) return false;
    if (spec[0] === "Uniform" && !(numbers[0] < numbers[1])) return false;
    if (families === TAU && spec[0] === "Uniform" && numbers[0] < 0) return false;
    return positive.every((i) => numbers[i] > 0);
  }

  /** Thresholds that the measure can take. */
  function isEffect(outcome, x) {
    if (!finite(x)) return false;
    if (outcome.ratio) return x > 0;
    return outcome.scale !== "atanh" || Math.abs(x) < 1;
  }

  /** Whether three bands are in growing distance from no effect, on the better side. */
  function areBands(outcome, bands) {
    if (!Array.isArray(bands) || bands.length !== 3 || !bands.every(finite)) return false;
    const sizes = bands.map((b) => size(outcome, b));
    return sizes[0] > 0 && sizes[0] < sizes[1] && sizes[1] < sizes[2] && finite(sizes[2]);
  }
  function size(outcome, band) {
    if (outcome.absolute) return band;
    return outcome.ratio ? Math.abs(Math.log(band)) : Math.abs(band);
  }

  /** A state with what is allowed of `partial` put into it; the rest of it is left out. */
  function merged(outcome, state, partial) {
    const next = { ...state };
    const common = outcome.effects === "common";
    if (typeof partial.prior === "string" && named(outcome, partial.prior)) {
      const set = named(outcome, partial.prior);
      Object.assign(next, { prior: set.name, mu: set.mu, tau: common ? null : set.tau || next.tau });
    }
    const mu = isPrior(partial.mu, MU) ? partial.mu : next.mu;
    const tau = !common && isPrior(partial.tau, TAU) ? partial.tau : next.tau;
    if (!same([mu, tau], [next.mu, next.tau])) {
      const set = outcome.priors.named.find((each) => same([each.mu, each.tau], [mu, tau]));
      Object.assign(next, { prior: set ? set.name : null, mu, tau });
    }
    if (isEffect(outcome, partial.threshold)) next.threshold = partial.threshold;
    if (Array.isArray(partial.without)) next.without = known(outcome, partial.without);
    if (finite(partial.trust) && partial.trust >= 0 && partial.trust <= 1 && outcome.doubted) {
      next.trust = partial.trust;
    }
    if (outcome.absolute && partial.baseline > 0 && partial.baseline < 1) {
      next.baseline = partial.baseline;
    }
    if (partial.bands === null || areBands(outcome, partial.bands)) next.bands = partial.bands;
    return next;
  }

  function known(outcome, trials) {
    const real = (i) => Number.isInteger(i) && outcome.trials[i] && outcome.trials[i].row >= 0;
    return [...new Set(trials.filter(real))].sort((a, b) => a - b);
  }

  /** Weights of the surface's rows. */
  function weights(outcome, state) {
    const rows = outcome.trials.filter((trial) => trial.row >= 0).length;
    const found = new Array(rows).fill(1);
    outcome.trials.forEach((trial, i) => {
      if (trial.row < 0) return;
      if (state.without.includes(i)) found[trial.row] = 0;
      else if (trial.doubted) found[trial.row] = state.trust;
    });
    return found;
  }

  const KEYS = ["p", "m", "h", "t", "x", "w", "b", "g", "d"];

  /** The link: only what differs from the main analyses; "" where nothing does. */
  function toFragment(outcomes, states) {
    const parts = [];
    for (const outcome of outcomes) {
      const state = states[outcome.id];
      if (!state) continue;
      const main = defaults(outcome);
      const found = {};
      if (state.prior !== null && state.prior !== main.prior) found.p = state.prior;
      if (state.prior === null) {
        found.m = state.mu.join(",");
        if (state.tau) found.h = state.tau.join(",");
      }
      if (state.threshold !== main.threshold) found.t = state.threshold;
      if (state.without.length) found.x = state.without.join(".");
      if (state.trust !== 1) found.w = state.trust;
      if (state.baseline !== main.baseline) found.b = state.baseline;
      if (state.bands) found.g = state.bands.join(",");
      if (!Object.keys(found).length) continue;
      found.d = outcome.digest;
      for (const [key, value] of Object.entries(found)) {
        const text = encodeURIComponent(value).replace(/%2C/g, ",");
        parts.push(`${encodeURIComponent(outcome.id)}.${key}=${text}`);
      }
    }
    return parts.length ? `#${parts.join("&")}` : "";
  }

  /** Read a link: {states: {id: state}, notes: [sentence]}; what it does not mean is ignored. */
  function fromFragment(text, outcomes) {
    const found = new Map();
    let lost = false;
    for (const piece of String(text).replace(/^#/, "").split("&")) {
      if (!piece) continue;
      const at = piece.indexOf("=");
      const key = decoded(piece.slice(0, at));
      const [id, name] = [key.slice(0, key.lastIndexOf(".")), key.slice(key.lastIndexOf(".") + 1)];
      const meant = at > 0 && outcomes.some((outcome) => outcome.id === id);
      if (meant && !found.has(id)) found.set(id, {});
      if (meant && KEYS.includes(name)) found.get(id)[name] = decoded(piece.slice(at + 1));
      else lost = true;
    }
    const states = {};
    const notes = [];
    for (const outcome of outcomes) {
      const keys = found.get(outcome.id);
      if (!keys) continue;
      if (keys.d !== undefined && keys.d !== outcome.digest) {
        notes.push(`The link's setting of ${outcome.title} was made with other data, so it is not used.`);
        continue;
      }
      const partial = partialOf(keys);
      lost = lost || !isUnderstood(outcome, partial);
      states[outcome.id] = merged(outcome, defaults(outcome), partial);
    }
    if (lost) notes.push("Part of the link could not be read and is left out.");
    return { states, notes };
  }

  /** Whether `merged` takes all of it. */
  function isUnderstood(outcome, partial) {
    const takes = {
      prior: (name) => Boolean(named(outcome, name)),
      mu: (prior) => isPrior(prior, MU),
      tau: (prior) => outcome.effects !== "common" && isPrior(prior, TAU),
      threshold: (x) => isEffect(outcome, x),
      without: (trials) => known(outcome, trials).length === trials.length,
      trust: (w) => w >= 0 && w <= 1 && Boolean(outcome.doubted),
      baseline: (risk) => Boolean(outcome.absolute) && risk > 0 && risk < 1,
      bands: (bands) => areBands(outcome, bands),
    };
    return Object.entries(partial).every(([key, value]) => takes[key](value));
  }

  function partialOf(keys) {
    const partial = {};
    if (keys.p !== undefined) partial.prior = keys.p;
    if (keys.m !== undefined) partial.mu = spec(keys.m);
    if (keys.h !== undefined) partial.tau = spec(keys.h);
    if (keys.t !== undefined) partial.threshold = numberOf(keys.t);
    if (keys.x !== undefined) partial.without = keys.x.split(".").filter(Boolean).map(numberOf);
    if (keys.w !== undefined) partial.trust = numberOf(keys.w);
    if (keys.b !== undefined) partial.baseline = numberOf(keys.b);
    if (keys.g !== undefined) partial.bands = keys.g.split(",").map(numberOf);
    return partial;
  }
  function numberOf(text) {
    return text.trim() === "" ? NaN : Number(text);
  }
  function spec(text) {
    const [family, ...numbers] = text.split(",");
    return [family, ...numbers.map(numberOf)];
  }
  function decoded(text) {
    try {
      return decodeURIComponent(text);
    } catch {
      return "";
    }
  }

  /** Three thresholds between trivial, small, moderate and large; null where none is declared. */
  function bandsOf(outcome, state) {
    if (state && state.bands) return state.bands;
    if (outcome.absolute) {
      const m = outcome.absolute.important;
      return [m, 2 * m, 4 * m];
    }
    const m = outcome.important;
    if (m === null || m === undefined) return null;
    return outcome.ratio ? [m, m ** 2, m ** 4] : [m, 2 * m, 4 * m];
  }

  /** Bands as text: "30, 60 and 120 deaths per 1,000". */
  function bandsSaid(outcome, bands) {
    const edges = words.list(bands.map(words.plain));
    if (outcome.absolute) return `${edges} ${outcome.event || "events"} per 1,000`;
    return `${outcome.symbol} ${edges}${outcome.unit ? ` ${outcome.unit}` : ""}`;
  }

  /** The edges of the bands on both sides of no effect, in growing order. */
  function edges(outcome, bands) {
    const mirror = outcome.ratio && !outcome.absolute ? (b) => 1 / b : (b) => -b;
    return [...bands, ...bands.map(mirror)].sort((a, b) => a - b);
  }

  const LEVELS = ["no concern", "serious", "very serious", "extremely serious"];
  const SIZES = ["trivial", "small", "moderate", "large"];

  /** How many levels down for imprecision: as many as the interval crosses edges, at most three. */
  function imprecision(outcome, bands, lower, upper) {
    if (!bands || !finite(lower) || !finite(upper)) return null;
    const all = edges(outcome, bands);
    const crossed = all.filter((edge) => lower < edge && edge < upper).length;
    const levels = Math.min(crossed, 3);
    const ends = [lower, upper].map((x, i) => band(outcome, all, x, i === 0));
    const holds = ends[0] === ends[1] ? ends[0] : `${ends[0]} to ${ends[1]}`;
    return { levels, crossed, word: LEVELS[levels], holds };
  }
  function band(outcome, all, x, isLower) {
    // An end that lies on an edge belongs to the side on which the interval is.
    const place = all.filter((edge) => (isLower ? edge <= x : edge < x)).length - 3;
    if (place === 0) return "trivial effect";
    const size = SIZES[Math.abs(place)];
    if (!outcome.benefit) return `${size} ${place < 0 ? "decrease" : "increase"}`;
    return `${size} ${(place < 0) === (outcome.benefit === "lower") ? "benefit" : "harm"}`;
  }

  /** The event whose probability stands first: "RR < 0.9". */
  function event(outcome, state, other) {
    const above = (outcome.benefit === "higher") !== Boolean(other);
    return `${outcome.symbol} ${above ? ">" : "<"} ${words.plain(state.threshold)}`;
  }

  /** What the reader has chosen, within a sentence. */
  function setting(outcome, state, range) {
    let prior = `the prior mu ~ ${words.prior(state.mu)}`;
    if (range) prior += ` (95 % of it between ${outcome.symbol} ${range[0]} and ${range[1]})`;
    if (state.tau) prior += ` and tau ~ ${words.prior(state.tau)}`;
    if (state.prior !== null && state.prior !== "custom") prior = `the ${words.priorName(state.prior)} prior`;
    const out = state.without.map((i) => outcome.trials[i].name);
    const rows = outcome.trials.filter((trial) => trial.row >= 0);
    const all = rows.length === 1 ? "" : ` and all ${rows.length} trials`;
    const doubted = outcome.trials.some((trial, i) => trial.row >= 0 && trial.doubted && !state.without.includes(i));
    const less = state.trust < 1 && outcome.doubted && doubted;
    const parts = [`with ${prior}${out.length || less ? "" : all}`];
    if (out.length) parts.push(`without ${words.list(out)}`);
    if (isPriorAlone(outcome, state)) return `with ${prior}, no trials are left`;
    if (less && state.trust === 0) parts.push(`without the trials with ${outcome.doubted}`);
    else if (less) parts.push(`trials with ${outcome.doubted} counted at ${words.brief(state.trust, 2)}`);
    return parts.join(", ");
  }

  const isPriorAlone = (outcome, state) => weights(outcome, state).every((weight) => weight === 0);

  /** The current setting in plain words, to stand alone; `numbers` as BP.numbers makes them. */
  function statement(outcome, state, numbers) {
    const asked = outcome.question ? ` (${outcome.question})` : "";
    const start = `${outcome.title}${asked}: ${setting(outcome, state, numbers.range)}`;
    if (numbers.why) return `${start}, there is no answer: ${numbers.why}`;
    const text = (key) => numbers.live[key].text;
    const first = outcome.benefit ? "prob_benefit" : "prob_below";
    const link = isPriorAlone(outcome, state) ? ": this is the prior; " : ", ";
    const chance = `P(${event(outcome, state)})`;
    const inWords = outcome.benefit && state.threshold === outcome.no_effect;
    let said = `${start}${link}${inWords ? `the probability of benefit, ${chance},` : chance} is ${text(first)}`;
    const anew = `${first}_new`;
    if (numbers.live[anew]) said += ` (${text(anew)} in a new trial like these)`;
    said += `. The ${outcome.effect_name} is ${text("mu.median")}, 95 % interval ${text("mu.lower")} to ${text("mu.upper")}.`;
    if (!numbers.live["absolute.median"]) return said;
    const risk = words.perThousand(state.baseline);
    const { measure, held } = numbers.by || { measure: outcome.measure, held: "" };
    const by = measure !== outcome.measure ? "By the odds ratio, at" : "At";
    return (
      `${said} ${by} a control risk of ${risk} per 1,000${held} that is ${text("absolute.median")} ` +
      `${outcome.event || "events"} per 1,000 (${text("absolute.lower")} to ${text("absolute.upper")}).`
    );
  }

  /** One cell of a CSV file: no spreadsheet takes it for a formula, numbers keep six digits. */
  function cell(value) {
    if (value === null || value === undefined) return "";
    if (typeof value === "number" && !Number.isFinite(value)) return "";
    if (typeof value === "number") return String(Number.isInteger(value) ? value : Number(value.toPrecision(6)));
    let text = String(value);
    if (/^[=+\-@\t\r]/.test(text)) text = `'${text}`;
    text = text.replace(/;(\s*)(?=[=+\-@])/g, ";$1'"); // where a semicolon parts cells
    return /[",\r\n\t]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text;
  }

  /** Rows of cells as CSV (RFC 4180). */
  const csv = (rows) => rows.map((row) => row.map(cell).join(",") + "\r\n").join("");

  BP.state = {
    MU, TAU, areBands, bandsOf, bandsSaid, cell, csv, defaults, edges, event, fromFragment, imprecision,
    isEffect, isPrior, merged, named, oddsPriors, setting, statement, toAnalysis, toFragment, toNatural,
    weights,
  };
})(typeof module === "object" && module.exports ? module.exports : (globalThis.BP = globalThis.BP || {}));
