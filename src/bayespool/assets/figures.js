/* From an answer to the figures of an outcome. A view is {outcome, section, surface, state, found,
   prior, numbers, window} and what it keeps: own, answers, atlas. */
(function (BP) {
  "use strict";

  const POINTS = 241; // along the axis of a curve
  const LEVELS = [0.5, 0.8, 0.9, 0.95, 0.975, 0.99];

  const natural = (view, v) => BP.state.toNatural(v, view.outcome.scale);
  const analysis = (view, x) => BP.state.toAnalysis(x, view.outcome.scale);
  const higher = (view) => view.outcome.benefit === "higher";
  const better = (view, marginal, v) => (higher(view) ? marginal.sf(v) : marginal.cdf(v));
  const host = (view, key) => view.section.querySelector(`[data-figure="${key}"] .host`);

  function axis(view) {
    const { ratio, no_effect: none, axis: label, symbol, benefit } = view.outcome;
    return { ratio, none, label, symbol, better: benefit };
  }

  /** Ends of the effect axis on the analysis scale: the main posterior with what is asked of it. */
  function windowOf(outcome, found) {
    const at = [outcome.no_effect, ...outcome.thresholds, outcome.important]
      .filter((x) => x !== null && x !== undefined)
      .map((x) => BP.state.toAnalysis(x, outcome.scale))
      .filter(Number.isFinite);
    const ends = found.why ? [] : [found.mu.quantile(0.001), found.mu.quantile(0.999)];
    const all = [...at, ...ends];
    const pad = 0.06 * (Math.max(...all) - Math.min(...all)) || 1;
    return [Math.min(...all) - pad, Math.max(...all) + pad];
  }

  /** The window, wider where the reader's posterior leaves it. */
  function reach(view) {
    let [low, high] = view.window;
    const at = analysis(view, view.state.threshold);
    low = Math.min(low, at, view.found.mu.quantile(0.005));
    high = Math.max(high, at, view.found.mu.quantile(0.995));
    return [low, high];
  }

  /** Points on the analysis scale and in natural units. */
  function line(view) {
    const [low, high] = reach(view);
    const v = Array.from({ length: POINTS }, (_, i) => low + ((high - low) * i) / (POINTS - 1));
    return { v, x: v.map((each) => natural(view, each)) };
  }

  /** Density per unit of what the axis shows: logs of ratios, risk differences as they are. */
  function density(view, v, x, marginal) {
    if (!marginal) return null;
    const atanh = view.outcome.scale === "atanh";
    const found = v.map((each, i) => marginal.density(each) / (atanh ? 1 - x[i] ** 2 : 1));
    return found.every(Number.isFinite) ? found : null;
  }

  function three(view, marginal) {
    return marginal ? [0.5, 0.025, 0.975].map((p) => natural(view, marginal.quantile(p))) : null;
  }

  /** The figures that move with the reader's hand; the forest only where the answer is another. */
  function main(view, fresh) {
    if (view.found.why) return;
    if (fresh) forest(view);
    const { v, x } = line(view);
    const { found, state, outcome } = view;
    const ax = axis(view);
    BP.charts.density(host(view, "density"), {
      axis: ax,
      x,
      posterior: density(view, v, x, found.mu),
      prior: density(view, v, x, view.prior),
      predicted: density(view, v, x, found.theta_new),
      threshold: state.threshold,
      important: outcome.important,
      onThreshold: view.onThreshold,
    });
    BP.charts.curve(host(view, "curve"), {
      axis: ax,
      x,
      mean: v.map((each) => better(view, found.mu, each)),
      fresh: found.theta_new ? v.map((each) => better(view, found.theta_new, each)) : null,
      threshold: state.threshold,
    });
  }

  /** Each trial's row: its data, its weight, its own effect under the model. */
  function rows(view) {
    const weights = BP.state.weights(view.outcome, view.state);
    return view.outcome.trials.map((trial, i) => {
      const share = trial.row < 0 ? 0 : weights[trial.row];
      return {
        label: trial.name,
        flag: Boolean(view.outcome.doubted) && trial.doubted,
        note: trial.year === null ? "" : String(trial.year),
        counts: trial.counts,
        raw: trial.estimate,
        weight: trial.weight,
        shrunken: share === 1 ? view.own[i] || null : null,
        off: trial.row < 0 || view.state.without.includes(i),
        share,
      };
    });
  }

  /** The trials' own effects: many sums, so the forest shows those of the setting before till now. */
  function owned(view) {
    if (view.ownKey === view.key) return;
    view.ownKey = view.key;
    view.own = view.outcome.trials.map((t) => (t.row < 0 ? null : three(view, view.found.theta(t.row))));
    forest(view);
  }

  function forest(view) {
    const { found } = view;
    const fresh = three(view, found.theta_new);
    BP.charts.forest(host(view, "forest"), {
      axis: axis(view),
      rows: rows(view),
      pooled: three(view, found.mu),
      predicted: fresh && fresh.slice(1),
      notes: notes(view),
    });
  }

  function notes(view) {
    const { doubted } = view.outcome;
    const squares = "Squares by the trials’ precision; the model does not use these weights.";
    return doubted ? [`† ${doubted}`, squares] : [squares];
  }

  /** The figures that ask many questions: the atlas of priors, leave-one-out, by year. */
  function rest(view) {
    if (view.found.why) return;
    owned(view);
    if (view.outcome.atlas) atlas(view);
    if (view.outcome.trials.length > 1) {
      leftOut(view);
      cumulative(view);
    }
  }

  function event(view) {
    return `P(${BP.state.event(view.outcome, view.state)})`;
  }

  function atlas(view) {
    const { outcome, state, surface, atlas: kept } = view;
    const { sds, scales } = outcome.atlas;
    const centre = "Normal StudentT Cauchy Logistic".includes(state.mu[0])
      ? state.mu[state.mu.length - 2]
      : outcome.atlas.centre;
    const asked = {
      weights: BP.state.weights(outcome, state),
      centre,
      sds,
      scales,
      at: analysis(view, state.threshold),
      lower: !higher(view),
    };
    const key = JSON.stringify([asked.weights, centre, asked.at]);
    // Only the marker moves with the SDs of the priors.
    if (kept.key !== key) Object.assign(kept, { key, p: BP.engine.atlas(surface, asked) });
    const isNormal = state.mu[0] === "Normal" && state.tau[0] === "HalfNormal";
    const place = (each) => ({ label: each.name, sd: each.mu[2], scale: each.tau[1] });
    BP.charts.atlas(host(view, "atlas"), {
      sds,
      scales,
      p: kept.p,
      levels: LEVELS,
      here: isNormal ? { sd: state.mu[2], scale: state.tau[1] } : null,
      named: outcome.priors.named
        .filter((each) => each.mu[0] === "Normal" && each.mu[1] === centre)
        .filter((each) => each.tau && each.tau[0] === "HalfNormal")
        .map(place),
      words: {
        x: "Prior on tau: HalfNormal scale",
        y: `SD of the prior on mu${outcome.scale === "log" ? " (log scale)" : ""}, centred on ${outcome.symbol} ${BP.words.plain(natural(view, centre))}`,
        p: event(view),
      },
    });
  }

  function ask(view, weights) {
    const { mu, tau } = view.state;
    const key = weights.join();
    if (!view.answers.has(key)) view.answers.set(key, BP.engine.answer(view.surface, { weights, mu, tau }));
    return view.answers.get(key);
  }

  function interval(view, label, found) {
    if (found.why) return { label, value: [NaN, NaN, NaN], p: NaN };
    const p = better(view, found.mu, analysis(view, view.state.threshold));
    return { label, value: three(view, found.mu), p };
  }

  function intervals(view, key, found) {
    const figure = host(view, key).closest("figure");
    const known = found.filter((row) => row.value.every(Number.isFinite));
    figure.hidden = known.length < 2;
    if (figure.hidden) return;
    BP.charts.intervals(host(view, key), {
      axis: axis(view),
      rows: known,
      reference: three(view, view.found.mu),
      probability: event(view),
    });
  }

  function leftOut(view) {
    const weights = BP.state.weights(view.outcome, view.state);
    const found = [];
    for (const trial of view.outcome.trials) {
      if (trial.row < 0 || weights[trial.row] === 0) continue;
      const fewer = weights.map((w, row) => (row === trial.row ? 0 : w));
      found.push(interval(view, `without ${trial.name}`, ask(view, fewer)));
    }
    intervals(view, "left_out", found);
  }

  function cumulative(view) {
    const weights = BP.state.weights(view.outcome, view.state);
    const dated = view.outcome.trials.filter((t) => t.row >= 0 && weights[t.row] > 0);
    const when = (trial) => (trial.year === null ? Infinity : trial.year); // undated ones come last
    const years = [...new Set(dated.map(when))].sort((a, b) => a - b);
    const found = [];
    for (const year of Number.isFinite(years[0]) ? years : []) {
      const then = weights.map(() => 0);
      const sofar = dated.filter((trial) => when(trial) <= year);
      for (const trial of sofar) then[trial.row] = weights[trial.row];
      const count = `${sofar.length} trial${sofar.length > 1 ? "s" : ""}`;
      const label = Number.isFinite(year) ? year : "year not given";
      found.push(interval(view, `${label} (${count})`, ask(view, then)));
    }
    intervals(view, "cumulative", found);
  }

  /** "5/12" in two cells, so that no spreadsheet makes a day of it. */
  function arm(text) {
    const parts = /^(\d+)\/(\d+)$/.exec(text || "");
    return parts ? [Number(parts[1]), Number(parts[2])] : [text, null];
  }

  /** The forest plot's table, for a spreadsheet. */
  function table(view) {
    const { outcome, found } = view;
    owned(view);
    const e = outcome.symbol;
    const head = [
      "row", "year", "treatment", "treatment_n", "control", "control_n", e, "lower", "upper", "common-effect weight (%)", "counted",
      `model_${e}`, "model_lower", "model_upper",
    ];
    const none = [null, null, null];
    const trials = rows(view).map((row, i) => {
      const counts = row.counts || {};
      return [
        row.label, outcome.trials[i].year, ...arm(counts.treatment), ...arm(counts.control),
        ...(row.raw || none),
        row.weight, row.share, ...(row.shrunken || none),
      ];
    });
    const pooled = (name, marginal) => [
      name, null, null, null, null, null, ...none, null, null, ...(three(view, marginal) || none),
    ];
    const ends = [pooled("pooled effect", found.mu)];
    if (found.theta_new) ends.push(pooled("in a new trial", found.theta_new));
    const said = BP.state.statement(outcome, view.state, view.numbers);
    return [head, ...trials, ...ends, [], ["setting", said]];
  }

  BP.figures = { main, rest, table, windowOf };
})(typeof module === "object" && module.exports ? module.exports : (globalThis.BP = globalThis.BP || {}));
