/* Every live number of an outcome, from the engine's marginals. Pure; works in Node. */
(function (BP) {
  "use strict";

  const words = BP.words || require("./words.js").words;
  const state = BP.state || require("./state.js").state;
  const ENDS = { median: 0.5, lower: 0.025, upper: 0.975 };

  /** Treated risk at a control risk, kept within [0, 1]. */
  function treated(risk, theta, measure, scale) {
    if (measure === "OR") return 1 / (1 + ((1 - risk) / risk) * Math.exp(-theta));
    if (measure === "RR") return Math.min(1, risk * Math.exp(theta));
    return Math.min(1, Math.max(0, risk + state.toNatural(theta, scale)));
  }

  /** The effect that takes a control risk to a treated one. */
  function effectFor(goal, risk, measure, scale) {
    if (measure === "OR") return Math.log(goal / (1 - goal)) - Math.log(risk / (1 - risk));
    if (measure === "RR") return Math.log(goal / risk);
    return state.toAnalysis(goal - risk, scale);
  }

  /** P(at least so many per 1,000 on the better side). */
  function betterBy(marginal, per1000, outcome, risk, measure) {
    const scale = measure === outcome.measure ? outcome.scale : "log";
    const lower = outcome.benefit === "lower";
    const goal = risk + ((lower ? -1 : 1) * per1000) / 1000;
    if (lower) {
      if (goal < -1e-12) return 0;
      return goal < 1e-12 && measure !== "RD" ? 0 : marginal.cdf(effectFor(goal, risk, measure, scale));
    }
    if (goal > 1 + 1e-12) return 0;
    if (goal > 1 - 1e-12 && measure === "OR") return 0;
    return marginal.sf(effectFor(goal, risk, measure, scale));
  }

  /**
   * Live numbers: {why, trouble, range, live: {KEY: {value, text}}}.
   * @param outcome one of the page's outcomes
   * @param reader the reader's state
   * @param found the engine's answer
   * @param odds the engine's answer on the surface of the OR; null where the reader's prior on the
   *   RR says nothing about it
   * @param prior the effect prior, with quantile(p)
   */
  function numbers(outcome, reader, found, odds, prior) {
    const range = prior && rangeOf(outcome, prior);
    if (found.why) return { why: found.why, trouble: "", range, live: {} };
    const live = {};
    effects(live, outcome, found);
    chances(live, outcome, reader, found);
    let trouble = found.trouble || "";
    let by = { measure: outcome.measure, says: "", held: "" };
    if (outcome.absolute && reader.baseline !== null) {
      by = measureFor(outcome, reader.baseline, found, odds);
      absolute(live, outcome, reader, by.measure === outcome.measure ? found : odds, by.measure);
      if (by.measure !== outcome.measure && odds.trouble) trouble = odds.trouble;
    }
    if (Object.values(live).some((each) => Number.isNaN(each.value))) {
      return { why: "the setting is beyond what this page can compute.", trouble: "", range, live: {} };
    }
    return { why: "", trouble, range, live, by };
  }

  const MOST_HELD = 0.01; // of the treated risks may be held at 1 before the odds ratio takes over

  /** Whose effect gives the treated risks at this control risk, and why, as the Python engine. */
  function measureFor(outcome, risk, found, odds) {
    const { measure } = outcome;
    const itself = { measure, says: "", held: "" };
    if (measure === "OR") return itself;
    const limits = measure === "RR" ? [Infinity, 1 / risk] : [-risk, 1 - risk];
    const share = (marginal) => {
      const above = marginal.sf(state.toAnalysis(limits[1], outcome.scale));
      return measure === "RR" ? above : above + marginal.cdf(state.toAnalysis(limits[0], outcome.scale));
    };
    const held = Math.max(share(found.mu), found.theta_new ? share(found.theta_new) : 0);
    if (!(held > MOST_HELD)) return itself;
    const percent = `${words.plain(Number((100 * held).toPrecision(2)))}\u00a0%`;
    if (measure === "RR" && odds && !odds.why) {
      const says = `By the odds ratio: the risk ratio would take ${percent} of the treated risks past 1.`;
      return { measure: "OR", says, held: "" };
    }
    if (measure === "RD") {
      const says = `${percent} of the treated risks would be below 0 or above 1; they are held there.`;
      return { measure, says, held: ", with risks beyond 0 and 1 held there," };
    }
    const says = `The risk ratio would take ${percent} of the treated risks past 1; they are held at 1.`;
    const why = "This prior on the risk ratio gives no posterior of the odds ratio, which would keep them below.";
    return { measure, says: `${says} ${why}`, held: ", with risks past 1 held at 1," };
  }

  function rangeOf(outcome, prior) {
    const ends = [0.025, 0.975].map((p) => state.toNatural(prior.quantile(p), outcome.scale));
    return ends.every(Number.isFinite) ? ends.map((x) => words.brief(x, 2)) : null;
  }

  function effects(live, outcome, found) {
    const rows = {};
    for (const name of ["mu", "theta_new"]) {
      if (!found[name]) continue;
      rows[name] = {};
      for (const [word, p] of Object.entries(ENDS)) {
        rows[name][word] = state.toNatural(found[name].quantile(p), outcome.scale);
      }
    }
    const decimals = words.decimalsFor(
      outcome.ratio, Object.values(rows).map((row) => [row.lower, row.upper]),
    );
    for (const [name, row] of Object.entries(rows)) {
      for (const [word, value] of Object.entries(row)) {
        live[`${name}.${word}`] = { value, text: words.number(value, decimals, outcome.ratio) };
      }
    }
    if (!found.tau) return;
    for (const [word, p] of Object.entries(ENDS)) {
      const value = found.tau.quantile(p);
      live[`tau.${word}`] = { value, text: words.brief(value, 2) };
    }
  }

  function chances(live, outcome, reader, found) {
    const higher = outcome.benefit === "higher";
    const at = state.toAnalysis(reader.threshold, outcome.scale);
    const put = (key, value) => (live[key] = { value, text: words.probability(value) });
    const better = (marginal, v) => (higher ? marginal.sf(v) : marginal.cdf(v));
    const [first, second] = outcome.benefit ? ["prob_benefit", "prob_harm"] : ["prob_below", "prob_above"];
    put(first, better(found.mu, at));
    put(second, higher ? found.mu.cdf(at) : found.mu.sf(at));
    if (found.theta_new) put(`${first}_new`, better(found.theta_new, at));
    if (outcome.benefit && outcome.important !== null) {
      put("prob_important", better(found.mu, state.toAnalysis(outcome.important, outcome.scale)));
    }
  }

  function absolute(live, outcome, reader, source, measure) {
    const { important } = outcome.absolute;
    const scale = measure === outcome.measure ? outcome.scale : "log";
    const ends = {};
    for (const [name, key] of [["mu", "absolute"], ["theta_new", "absolute_new"]]) {
      if (!source[name]) continue;
      for (const [word, p] of Object.entries(ENDS)) {
        const risk = treated(reader.baseline, source[name].quantile(p), measure, scale);
        const value = 1000 * (risk - reader.baseline);
        live[`${key}.${word}`] = { value, text: words.difference(value) };
        if (name !== "mu") continue;
        ends[word] = risk - reader.baseline;
        live[`risk.${word}`] = { value: risk, text: words.perThousand(risk) };
      }
    }
    if (!outcome.benefit) return;
    const p = betterBy(source.mu, important, outcome, reader.baseline, measure);
    live.prob_absolute = { value: p, text: words.probability(p) };
    if (measure !== outcome.measure) {
      // By the effect itself a benefit of any size may be less probable than one of this size.
      const any = outcome.benefit === "higher" ? source.mu.sf(0) : source.mu.cdf(0);
      live.prob_odds = { value: any, text: words.probability(any) };
    }
    live.nnt = {
      value: Math.abs(ends.median) < 1e-8 ? Infinity : 1 / Math.abs(ends.median),
      text: words.needed(ends.median, ends.lower, ends.upper, outcome.benefit),
    };
  }

  BP.numbers = { betterBy, effectFor, numbers, treated };
})(typeof module === "object" && module.exports ? module.exports : (globalThis.BP = globalThis.BP || {}));
