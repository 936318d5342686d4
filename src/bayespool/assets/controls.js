/* The controls of an outcome: what each asks for, and how it shows the reader's state. */
(function (BP) {
  "use strict";

  const words = BP.words || require("./words.js").words;
  const rules = BP.state || require("./state.js").state;

  const PLACE = { Normal: 1, StudentT: 2, Cauchy: 1, Logistic: 1 }; // of the centre; the spread follows
  const OFFERED = ["HalfNormal", "HalfCauchy", "HalfStudentT", "Exponential", "LogNormal", "Uniform", "Flat"];
  const SPREAD = { Normal: "SD", StudentT: "Scale", Cauchy: "Scale", Logistic: "Scale" };

  /** Centre and spread of a prior on the effect; null for a flat one. */
  function centreOf(spec) {
    if (PLACE[spec[0]]) return spec[PLACE[spec[0]]];
    return spec[0] === "Uniform" ? (spec[1] + spec[2]) / 2 : null;
  }
  function spreadOf(spec) {
    if (PLACE[spec[0]]) return spec[PLACE[spec[0]] + 1];
    return spec[0] === "Uniform" ? (spec[2] - spec[1]) / Math.sqrt(12) : null;
  }

  /** The prior with another centre or spread; one without them becomes normal. */
  function moved(spec, centre, spread) {
    if (!PLACE[spec[0]]) return ["Normal", centre, spread];
    const next = [...spec];
    next.splice(PLACE[spec[0]], 2, centre, spread);
    return next;
  }

  /** What sets the size of tau's prior; null for a flat one. */
  function scaleOf(spec) {
    const [family, a, b] = spec;
    if (family === "HalfStudentT" || family === "Uniform" || family === "InverseGamma") return b;
    if (family === "Exponential") return 1 / a;
    if (family === "LogNormal") return Math.exp(a);
    if (family === "LogStudentT") return Math.exp(b / 2);
    if (family === "Gamma") return 1 / b;
    return family === "Flat" ? null : a;
  }

  /** Tau's prior of a family at a scale; its shape is kept where the family is. */
  function ofScale(family, scale, spec) {
    const old = spec && spec[0] === family ? spec : null;
    if (family === "HalfStudentT") return [family, old ? old[1] : 4, scale];
    if (family === "Exponential") return [family, 1 / scale];
    if (family === "LogNormal") return [family, Math.log(scale), old ? old[2] : 0.7];
    if (family === "LogStudentT") return [family, old ? old[1] : 5, 2 * Math.log(scale), old ? old[3] : 1.4];
    if (family === "Gamma") return [family, old ? old[1] : 2, 1 / scale];
    if (family === "InverseGamma") return [family, old ? old[1] : 1, scale];
    if (family === "Uniform") return [family, 0, scale];
    return family === "Flat" ? ["Flat"] : [family, scale];
  }

  const round = (x) => Number(x.toPrecision(3));
  const middle = ([low, high]) => round(Math.sqrt(low * high));

  /** A step of 1, 2 or 5 times a power of ten that cuts a length into some 200. */
  function stepOf(length) {
    const rough = length / 200;
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].find((m) => m * power >= rough) * power;
    return Number(step.toPrecision(1));
  }

  /** Give the sliders of a section their ends. */
  function prepare(view) {
    const { section, outcome } = view;
    const { mean, sd, scale } = outcome.limits;
    const ends = (key, low, high, step) => {
      const input = section.querySelector(`[data-control="${key}"]`);
      if (input) Object.assign(input, { min: low, max: high, step });
    };
    const size = stepOf(mean[1] - mean[0]);
    ends("mean", Math.floor(mean[0] / size) * size, Math.ceil(mean[1] / size) * size, size);
    // Ends that are whole steps, or the keys would stick between two of them.
    const logs = ([from, to]) => [Math.floor(100 * Math.log10(from)) / 100, Math.ceil(100 * Math.log10(to)) / 100];
    ends("sd", ...logs(sd), 0.01);
    if (scale) ends("scale", ...logs(scale), 0.01);
    const [low, high] = view.window.map((v) => BP.state.toNatural(v, outcome.scale));
    const step = stepOf(high - low);
    ends("threshold", Math.ceil(low / step) * step, Math.floor(high / step) * step, step);
    ends("baseline", -6.9, 6.9, 0.02); // log-odds: 1 to 999 per 1,000
    ends("trust", 0, 1, 0.05);
  }

  const logOdds = (risk) => Math.log(risk / (1 - risk));

  /** The risk at these log-odds, to three digits from the nearer end. */
  function riskAt(odds) {
    const least = Number((1 / (1 + Math.exp(Math.abs(odds)))).toPrecision(3));
    return odds > 0 ? Number((1 - least).toFixed(8)) : least;
  }

  /** What a number's field allows; "" where the number in it is allowed. */
  function wrong(outcome, control, value) {
    if (control === "threshold-number") {
      if (rules.isEffect(outcome, value)) return "";
      if (outcome.ratio) return "A number above 0 is needed.";
      return outcome.scale === "atanh" ? "A number between −1 and 1 is needed." : "A number is needed.";
    }
    if (control !== "baseline-number" || (value > 0 && value < 1000)) return "";
    return "A number above 0 and below 1,000 is needed.";
  }

  /** Mark a number's field that holds what is not allowed, and say what is. */
  function mark(view, input) {
    const place = view.section.querySelector(`[data-wrong="${input.dataset.control}"]`);
    if (!place) return;
    place.textContent = wrong(view.outcome, input.dataset.control, numberIn(input));
    place.hidden = !place.textContent;
    input.setAttribute("aria-invalid", String(!place.hidden));
  }

  /** Call change(partial, event) whenever the reader asks for something else. */
  function wire(view, change) {
    const { section, outcome } = view;
    const form = section.querySelector(".controls");
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("input", (event) => {
      mark(view, event.target);
      const partial = asked(view, event.target);
      if (partial) change(partial, event);
    });
    form.addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (!button) return;
      if (button.dataset.prior !== undefined) change({ prior: button.dataset.prior }, event);
      if (button.dataset.baseline) {
        change({ baseline: outcome.absolute.baselines[button.dataset.baseline] }, event);
      }
    });
    for (const button of form.querySelectorAll("[data-baseline]")) {
      const risk = outcome.absolute.baselines[button.dataset.baseline];
      button.textContent = `${button.dataset.baseline} ${words.perThousand(risk)}`;
    }
    for (const button of form.querySelectorAll("[data-prior]")) {
      button.textContent = words.priorName(button.dataset.prior);
      const tell = () => says(view, button.dataset.prior);
      const back = () => says(view, view.state.prior);
      button.addEventListener("pointerenter", tell);
      button.addEventListener("focus", tell);
      button.addEventListener("pointerleave", back);
      button.addEventListener("blur", back);
    }
  }

  function says(view, name) {
    const set = BP.state.named(view.outcome, name);
    say(view, "says", set ? set.says : "A prior of your own, set below.");
  }

  /** The number in an input; a slider's is freed of the dust that its steps gather. */
  function numberIn(input) {
    if (input.value === "") return NaN;
    const value = Number(input.value);
    if (input.type !== "range") return value;
    const step = Number(input.step);
    return Number((Math.round(value / step) * step).toPrecision(6)) + 0;
  }

  /** What a moved input asks for. */
  function asked(view, input) {
    const { state, outcome } = view;
    const value = numberIn(input);
    if (input.dataset.trial !== undefined) {
      const trial = Number(input.dataset.trial);
      const others = state.without.filter((i) => i !== trial);
      return { without: input.checked ? others : [...others, trial] };
    }
    switch (input.dataset.control) {
      case "mean":
        return { mu: moved(state.mu, value, spreadOf(state.mu) ?? middle(outcome.limits.sd)) };
      case "sd":
        return { mu: moved(state.mu, centreOf(state.mu) ?? 0, round(10 ** value)) };
      case "scale":
        return { tau: ofScale(scaleOf(state.tau) === null ? "HalfNormal" : state.tau[0], round(10 ** value), state.tau) };
      case "family": {
        const scale = scaleOf(state.tau) ?? middle(outcome.limits.scale);
        return { tau: ofScale(input.value, scale, state.tau) };
      }
      case "threshold":
      case "threshold-number":
        return { threshold: value };
      case "baseline":
        return { baseline: riskAt(value) };
      case "baseline-number":
        return { baseline: value / 1000 };
      case "trust":
        return { trust: value };
      default:
        return null;
    }
  }

  function say(view, key, text) {
    const place = view.section.querySelector(`[data-say="${key}"]`);
    if (place && place.textContent !== text) place.textContent = text;
  }

  /** Set a slider and say its value beside it and to a screen reader. */
  function put(view, key, value, text) {
    const input = view.section.querySelector(`[data-control="${key}"]`);
    if (!input) return;
    if (document.activeElement !== input || Number(input.value) !== value) input.value = String(value);
    input.setAttribute("aria-valuetext", text);
    const said = view.section.querySelector(`[data-said="${key}"]`);
    if (said) said.textContent = text;
  }

  /** Set the number beside a slider, unless the reader is typing it. */
  function write(view, key, value) {
    const input = view.section.querySelector(`[data-control="${key}-number"]`);
    if (document.activeElement === input) return;
    input.value = String(value);
    mark(view, input);
  }

  /** Show the state in every control. */
  function show(view) {
    const { section, outcome, state } = view;
    for (const button of section.querySelectorAll("[data-prior]")) {
      button.setAttribute("aria-pressed", String(button.dataset.prior === state.prior));
    }
    says(view, state.prior);
    effectPrior(view);
    if (state.tau) tauPrior(view);
    put(view, "threshold", state.threshold, `${outcome.symbol} ${words.plain(state.threshold)}`);
    write(view, "threshold", round(state.threshold));
    if (outcome.absolute) {
      put(view, "baseline", logOdds(state.baseline), `${words.perThousand(state.baseline)} per 1,000`);
      write(view, "baseline", Number((1000 * state.baseline).toPrecision(3)));
      for (const button of section.querySelectorAll("[data-baseline]")) {
        const pressed = outcome.absolute.baselines[button.dataset.baseline] === state.baseline;
        button.setAttribute("aria-pressed", String(pressed));
      }
    }
    for (const box of section.querySelectorAll("[data-trial]")) {
      const trial = Number(box.dataset.trial);
      box.checked = outcome.trials[trial].row >= 0 && !state.without.includes(trial);
    }
    put(view, "trust", state.trust, state.trust.toFixed(2));
  }

  function effectPrior(view) {
    const { section, outcome, state } = view;
    const natural = (v) => words.brief(BP.state.toNatural(v, outcome.scale), 2);
    const [centre, spread] = [centreOf(state.mu), spreadOf(state.mu)];
    const range = view.numbers && view.numbers.range;
    const covers = range ? `: 95 % of it between ${outcome.symbol} ${range[0]} and ${range[1]}.` : ".";
    say(view, "mu", `${words.prior(state.mu)}${outcome.ratio ? ` on the log ${outcome.effect_name}` : ""}${covers}`);
    if (centre !== null) put(view, "mean", centre, `${outcome.symbol} ${natural(centre)}`);
    else put(view, "mean", 0, "none: flat");
    if (spread !== null) put(view, "sd", Math.log10(spread), words.brief(spread, 2));
    else put(view, "sd", Math.log10(outcome.limits.sd[1]), "none: flat");
    const label = section.querySelector('label[for$="-sd"]');
    label.textContent = SPREAD[state.mu[0]] || "SD";
  }

  function tauPrior(view) {
    const { section, state } = view;
    const select = section.querySelector('[data-control="family"]');
    const families = OFFERED.includes(state.tau[0]) ? OFFERED : [...OFFERED, state.tau[0]];
    if (select.options.length !== families.length || select.options[families.length - 1].value !== families[families.length - 1]) {
      select.replaceChildren(...families.map((family) => new Option(family, family)));
    }
    select.value = state.tau[0];
    const scale = scaleOf(state.tau);
    if (scale === null) put(view, "scale", 0, "none: flat");
    else put(view, "scale", Math.log10(scale), words.brief(scale, 2));
    const prior = BP.engine.prior(state.tau, "tau");
    const [middle, high] = [0.5, 0.95].map((p) => (prior ? prior.quantile(p) : NaN)); // none: flat
    const spans = Number.isFinite(middle) ? `: half of it above ${words.brief(middle, 2)}, 5 % above ${words.brief(high, 2)}.` : ".";
    say(view, "tau", `${words.prior(state.tau)}${spans}`);
  }

  BP.controls = { centreOf, logOdds, moved, ofScale, prepare, riskAt, say, scaleOf, show, spreadOf, stepOf, wire, wrong };
})(typeof module === "object" && module.exports ? module.exports : (globalThis.BP = globalThis.BP || {}));
