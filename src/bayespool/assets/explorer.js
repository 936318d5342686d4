/* The page: reads the reviews, keeps the reader's state in the link, answers, draws. */
(function (BP) {
  "use strict";

  const views = new Map(); // by id of the outcome
  let outcomes = [];
  let waiting = 0; // of the link's writing
  let known = ""; // the fragment last read or written

  /** Everything about an outcome in the page; found and numbers come with the first answer. */
  function viewOf(outcome) {
    const section = document.getElementById(outcome.id);
    const view = {
      outcome, section, surface: null, second: null, state: BP.state.defaults(outcome), key: "",
      found: null, odds: null, prior: null, numbers: null, window: null, own: [], atlas: {},
      answers: new Map(), drawn: false, spent: 0, later: 0,
    };
    view.onThreshold = (x) => change(view, { threshold: x }, null);
    return view;
  }

  /** Unpack an outcome's surfaces, once. */
  function opened(view) {
    view.opening = view.opening || (async () => {
      const { outcome } = view;
      const packed = outcome.absolute && outcome.absolute.surface;
      view.second = packed ? await BP.engine.unpack(packed) : null;
      view.surface = await BP.engine.unpack(outcome.surface);
      const main = BP.state.defaults(outcome);
      const weights = BP.state.weights(outcome, main);
      view.window = BP.figures.windowOf(
        outcome, BP.engine.answer(view.surface, { weights, mu: main.mu, tau: main.tau }),
      );
    })();
    return view.opening;
  }

  /** Draw an outcome for the first time. */
  function begin(view) {
    if (view.drawn || !view.surface) return;
    view.drawn = true;
    view.section.querySelector(".live").hidden = false;
    BP.controls.prepare(view);
    BP.controls.wire(view, (partial, event) => change(view, partial, event));
    BP.actions.wire(view, { change: (partial, event) => change(view, partial, event), link });
    update(view);
    if (isSet(view)) differ();
  }

  /** Take what the reader asks for, show it, and write the link. */
  function change(view, partial, event) {
    const began = event && event.timeStamp ? event.timeStamp : performance.now();
    view.state = BP.state.merged(view.outcome, view.state, partial);
    BP.controls.say(view, "done", "");
    if (view.drawn) update(view);
    if (partial.bands !== undefined) BP.bands.show(view);
    view.spent = performance.now() - began;
    later();
  }

  /** Write the link soon: browsers allow few changes of the address a second. */
  function later() {
    clearTimeout(waiting);
    waiting = setTimeout(write, 150);
  }

  /** Answer the state: numbers and main figures now, the others when there is time. */
  function update(view) {
    const { outcome, state } = view;
    const asked = { weights: BP.state.weights(outcome, state), mu: state.mu, tau: state.tau };
    const key = JSON.stringify([asked, state.prior]);
    const fresh = key !== view.key;
    if (fresh) {
      view.key = key;
      view.answers.clear();
      view.found = BP.engine.answer(view.surface, asked);
      const odds = view.second && !view.found.why && BP.state.oddsPriors(outcome, state);
      view.odds = odds ? BP.engine.answer(view.second, { ...asked, ...odds }) : null;
      view.prior = BP.engine.prior(state.mu, "mu");
    }
    view.numbers = BP.numbers.numbers(outcome, state, view.found, view.odds, view.prior);
    BP.controls.show(view);
    tell(view);
    BP.figures.main(view, fresh);
    clearTimeout(view.later);
    view.later = setTimeout(() => BP.figures.rest(view), 60);
  }

  /** Put the numbers and the statement into the page. */
  function tell(view) {
    const { outcome, state, section, numbers } = view;
    const say = (key, text) => BP.controls.say(view, key, text);
    for (const place of section.querySelectorAll("[data-live]")) {
      const found = numbers.live[place.dataset.live];
      place.dataset.value = found && Number.isFinite(found.value) ? String(found.value) : "";
      place.textContent = found ? found.text : "–";
    }
    for (const beside of section.querySelectorAll("[data-by-odds]")) beside.hidden = !numbers.live.prob_odds;
    section.classList.toggle("unanswered", Boolean(numbers.why));
    say("statement", BP.state.statement(outcome, state, numbers));
    const trouble = section.querySelector('[data-say="trouble"]');
    trouble.textContent = numbers.why || numbers.trouble;
    trouble.hidden = !trouble.textContent;
    say("first", `P(${BP.state.event(outcome, state)})`);
    say("second", `P(${BP.state.event(outcome, state, true)})`);
    if (outcome.important !== null) {
      say("important", `P(${BP.state.event(outcome, { threshold: outcome.important })}), important`);
    }
    if (outcome.absolute && outcome.measure !== "OR") say("by", numbers.by ? numbers.by.says : "");
    say("imprecision", imprecisionOf(view));
    const first = numbers.live.prob_benefit || numbers.live.prob_below;
    const mu = ["median", "lower", "upper"].map((word) => (numbers.live[`mu.${word}`] || {}).text);
    view.chance = numbers.why ? "no answer" : `P(${BP.state.event(outcome, state)}) ${first.text}`;
    say("peek", `${outcome.title}: ${view.chance}${numbers.why ? "" : ` · ${outcome.symbol} ${mu[0]} [${mu[1]}, ${mu[2]}]`}`);
  }

  function imprecisionOf(view) {
    const { outcome, state, numbers } = view;
    const key = outcome.absolute ? "absolute" : "mu";
    const ends = ["lower", "upper"].map((word) => (numbers.live[`${key}.${word}`] || {}).value);
    const found = BP.state.imprecision(outcome, BP.state.bandsOf(outcome, state), ...ends);
    return found ? `${found.word}: ${found.holds}` : "no bands of effect";
  }

  /** The page's address with every outcome's setting. */
  function link() {
    const states = Object.fromEntries([...views].map(([id, view]) => [id, view.state]));
    return location.href.replace(/#.*$/, "") + BP.state.toFragment(outcomes, states);
  }

  const isSet = (view) => BP.state.toFragment([view.outcome], { [view.outcome.id]: view.state }) !== "";

  /** Say on the first screen which outcomes the reader has set otherwise. */
  function differ() {
    const parts = [...views.values()].filter(isSet).flatMap((view) => {
      const anchor = document.createElement("a");
      anchor.href = `#${view.outcome.id}`;
      anchor.textContent = view.outcome.title;
      return ["; ", anchor, view.chance ? ` (${view.chance})` : ""];
    });
    if (parts.length) parts[0] = "Settings differ from the main analysis in: ";
    document.getElementById("differs").replaceChildren(...parts, parts.length ? "." : "");
  }

  function write() {
    differ();
    const fragment = link().replace(/^[^#]*/, "");
    if (location.hash !== known) return; // a link was followed: its event comes, and reads it
    if (fragment === known) return;
    // A plain anchor stays until there is a setting to write.
    if (!fragment && !location.hash.includes("=")) return;
    history.replaceState(null, "", fragment || location.pathname + location.search);
    known = location.hash;
  }

  /** Apply the link's settings; outcomes that it does not name go back to the main analysis. */
  function read() {
    known = location.hash;
    if (location.hash && !location.hash.includes("=")) return [];
    const { states, notes } = BP.state.fromFragment(location.hash, outcomes);
    document.getElementById("notice").textContent = notes.join(" ");
    for (const [id, view] of views) {
      view.state = states[id] || BP.state.defaults(view.outcome);
      if (view.drawn) update(view);
      BP.bands.show(view);
    }
    differ();
    return Object.keys(states);
  }

  /** Apply a state to an outcome at once and draw everything. */
  function set(id, partial) {
    const view = views.get(id);
    begin(view);
    change(view, partial, null);
    differ();
    clearTimeout(view.later);
    BP.figures.rest(view);
  }

  async function start() {
    outcomes = JSON.parse(document.getElementById("reviews").textContent).outcomes;
    for (const outcome of outcomes) {
      if (outcome.surface) views.set(outcome.id, viewOf(outcome));
    }
    outcomes = outcomes.filter((outcome) => views.has(outcome.id));
    BP.actions.theme();
    BP.bands.wire(views, change);
    const [first] = read();
    window.addEventListener("hashchange", () => {
      const named = read();
      if (location.hash && !location.hash.includes("=")) write(); // an anchor of the page
      for (const id of named) appear(views.get(id));
    });
    window.addEventListener("beforeprint", beforePrint);
    window.addEventListener("afterprint", afterPrint);
    watch();
    if (first) {
      await appear(views.get(first));
      views.get(first).section.scrollIntoView();
    }
    for (const view of views.values()) {
      await new Promise((resolve) => setTimeout(resolve)); // the page is painted first
      await (isSet(view) ? appear(view) : opened(view).catch((error) => BP.actions.failed(view, error)));
    }
  }

  /** Open an outcome and draw it. */
  function appear(view) {
    return opened(view).then(() => begin(view)).catch((error) => BP.actions.failed(view, error));
  }

  /** Draw an outcome when it comes near the screen. */
  function watch() {
    const observer = new IntersectionObserver((entries) => {
      for (const entry of entries.filter((each) => each.isIntersecting)) {
        const view = views.get(entry.target.id);
        observer.unobserve(entry.target);
        appear(view);
      }
    }, { rootMargin: "600px" });
    for (const view of views.values()) observer.observe(view.section);
  }

  const shut = [];

  /** On paper everything is open and drawn. */
  function beforePrint() {
    for (const view of views.values()) {
      begin(view);
      clearTimeout(view.later);
      if (view.drawn) BP.figures.rest(view);
    }
    differ();
    for (const details of document.querySelectorAll(".outcome details:not([open])")) {
      details.open = true;
      shut.push(details);
    }
  }
  function afterPrint() {
    for (const details of shut.splice(0)) details.open = false;
  }

  BP.explorer = {
    ready: Promise.resolve(),
    set,
    state: (id) => views.get(id).state,
    lastUpdate: (id) => views.get(id).spent,
    link,
  };
  if (typeof document !== "undefined") BP.explorer.ready = start();
})(typeof module === "object" && module.exports ? module.exports : (globalThis.BP = globalThis.BP || {}));
