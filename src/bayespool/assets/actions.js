/* What buttons do: reset, copy, save; light and dark; the bands of effect in the first table. */
(function (BP) {
  "use strict";

  const words = BP.words || require("./words.js").words;

  const FILE = " The page is a file: send it too; the part after # restores this setting in any copy of it.";

  /** Offer a text as a file. */
  function save(name, text, type) {
    const address = URL.createObjectURL(new Blob([text], { type }));
    const anchor = document.createElement("a");
    anchor.href = address;
    anchor.download = name;
    anchor.click();
    setTimeout(() => URL.revokeObjectURL(address), 10000);
  }

  /** Put a text on the clipboard; pages opened from disk may have no clipboard of their own. */
  async function copy(text) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      const area = document.createElement("textarea");
      area.value = text;
      area.className = "unseen";
      document.body.append(area);
      area.select();
      const done = document.execCommand("copy");
      area.remove();
      return done;
    }
  }

  /** Wire the buttons of an outcome. */
  function wire(view, { change, link }) {
    const { section, outcome } = view;
    const done = (text) => BP.controls.say(view, "done", text); // until the next change
    const copied = async (text, what, more = "") => {
      done((await copy(text)) ? `${what} copied.${more}` : "The browser does not allow copying.");
    };
    const deeds = {
      reset: (event) => change(BP.state.defaults(outcome), event),
      "copy-statement": () => copied(BP.state.statement(outcome, view.state, view.numbers), "Statement"),
      "copy-link": async () => {
        const isFile = location.protocol === "file:";
        await copied(link(), "Link", isFile ? FILE : "");
      },
      csv: () => {
        if (view.found.why) return done("There is no answer to save.");
        save(`${outcome.id}.csv`, `\ufeff${BP.state.csv(BP.figures.table(view))}`, "text/csv;charset=utf-8");
        return done("Table saved.");
      },
    };
    for (const button of section.querySelectorAll("[data-do]")) {
      button.addEventListener("click", (event) => deeds[button.dataset.do](event));
    }
    for (const button of section.querySelectorAll("[data-save]")) {
      button.addEventListener("click", () => {
        const svg = section.querySelector(`[data-figure="${button.dataset.save}"] svg`);
        if (!svg) return done("There is no figure to save.");
        save(`${outcome.id}-${button.dataset.save}.svg`, BP.charts.asFile(svg), "image/svg+xml");
        return done("Figure saved.");
      });
    }
  }

  /** Say, once, that an outcome's numbers could not be read. */
  function failed(view, error) {
    if (view.failed) return;
    view.failed = true;
    const place = document.createElement("p");
    place.className = "trouble";
    place.textContent = `This outcome cannot be questioned in this browser (${error.message}).`;
    view.section.querySelector(".live").before(place);
  }

  /** The button for light and dark. */
  function theme() {
    const button = document.getElementById("theme");
    const root = document.documentElement;
    const show = (dark) => {
      root.dataset.theme = dark ? "dark" : "light";
      button.textContent = dark ? "Light mode" : "Dark mode";
    };
    show(matchMedia("(prefers-color-scheme: dark)").matches);
    button.hidden = false;
    button.addEventListener("click", () => show(root.dataset.theme !== "dark"));
  }

  const WORDS = ["Small from", "Moderate from", "Large from"];

  /** A row of three inputs for each outcome that has bands. */
  function wireBands(views, change) {
    const body = document.getElementById("bands");
    for (const view of views.values()) {
      const row = document.createElement("tr");
      const { outcome } = view;
      const unit = outcome.absolute ? `${outcome.event || "events"} per 1,000` : outcome.effect_name;
      const head = document.createElement("th");
      head.scope = "row";
      head.textContent = outcome.title;
      const cell = document.createElement("td");
      cell.textContent = unit;
      row.append(head, cell);
      view.bands = WORDS.map((word) => {
        const place = document.createElement("td");
        const input = document.createElement("input");
        Object.assign(input, { type: "number", step: "any", className: "band" });
        input.setAttribute("aria-label", `${outcome.title}: ${word.toLowerCase()}, ${unit}`);
        place.append(input);
        row.append(place);
        return input;
      });
      const below = document.createElement("tr");
      view.wrong = document.createElement("td");
      Object.assign(view.wrong, { colSpan: 5, className: "wrong", id: `${outcome.id}-bands-wrong` });
      view.wrong.setAttribute("role", "alert");
      for (const input of view.bands) input.setAttribute("aria-describedby", view.wrong.id);
      below.append(view.wrong);
      below.hidden = true;
      row.addEventListener("input", (event) => taken(view, change, event));
      body.append(row, below);
      showBands(view);
    }
    const form = document.querySelector(".bands");
    form.hidden = views.size === 0;
    form.addEventListener("submit", (event) => event.preventDefault());
  }

  function taken(view, change, event) {
    const asked = view.bands.map((input) => (input.value === "" ? NaN : Number(input.value)));
    const good = BP.state.areBands(view.outcome, asked);
    judge(view, good);
    if (good) change(view, { bands: asked }, event);
  }

  /** Mark an outcome's bands, and say below them what is allowed where they are not. */
  function judge(view, good) {
    const { outcome } = view;
    const from = outcome.absolute ? "0, and larger" : `${outcome.no_effect}, and further from it`;
    for (const input of view.bands) input.setAttribute("aria-invalid", String(!good));
    const place = outcome.absolute ? "above" : "away from";
    view.wrong.textContent = good ? "" : `Three numbers are needed, each ${place} ${from} than the one before.`;
    view.wrong.parentElement.hidden = good;
  }

  /** Show an outcome's bands and the certainty that follows from the main analysis. */
  function showBands(view) {
    const bands = BP.state.bandsOf(view.outcome, view.state);
    view.bands.forEach((input, i) => {
      if (document.activeElement !== input) input.value = bands ? String(Number(bands[i].toPrecision(3))) : "";
    });
    judge(view, true);
    note(view);
    certainty(view);
  }

  /** Beside the rule: the bands in use and where they come from. */
  function note(view) {
    const { outcome, state } = view;
    const place = document.querySelector(`[data-bands-note="${CSS.escape(outcome.id)}"]`);
    if (!place) return;
    view.note = view.note ?? place.textContent;
    place.textContent = state.bands ? `${BP.state.bandsSaid(outcome, state.bands)}; set by the reader` : view.note;
  }

  function certainty(view) {
    const { outcome, state } = view;
    const place = document.querySelector(`[data-certainty="${CSS.escape(outcome.id)}"]`);
    const [, lower, upper] = outcome.small.per_1000 || outcome.small.mu;
    const found = BP.state.imprecision(outcome, BP.state.bandsOf(outcome, state), lower, upper);
    const level = document.createElement(found ? "strong" : "span");
    level.textContent = found ? found.word : "no bands";
    const holds = document.createElement("span");
    holds.className = "soft";
    holds.textContent = found ? found.holds : "";
    place.replaceChildren(level, found && found.levels ? ` (−${found.levels})` : "", document.createElement("br"), holds);
  }

  BP.actions = { failed, theme, wire };
  BP.bands = { show: showBands, wire: wireBands };
})(typeof module === "object" && module.exports ? module.exports : (globalThis.BP = globalThis.BP || {}));
