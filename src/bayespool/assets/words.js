/* How numbers and priors are written: the same rules as the text report's. Pure; works in Node. */
(function (BP) {
  "use strict";

  const DASH = "–";
  const MINUS = "−";
  const SMALLEST = 1e-8; // a risk difference below this is none

  /** @param {number|null|undefined} x */
  const known = (x) => typeof x === "number" && !Number.isNaN(x);

  /** Write a probability: 0.975, ">0.999", "<0.001". */
  function probability(p) {
    if (!known(p)) return DASH;
    if (p > 0.999) return ">0.999";
    return p < 0.001 ? "<0.001" : p.toFixed(3);
  }

  /** Write a number with so many decimals; fewer from 100 on; a ratio never becomes 0. */
  function number(x, decimals, ratio) {
    if (!known(x)) return DASH;
    const size = Math.abs(x);
    let text;
    if (size === Infinity) text = "∞";
    else if (size >= 99999.5) text = size.toExponential(0).replace("e+", "e");
    else if (ratio && size > 0 && size < 0.5 * 10 ** -decimals) {
      text = size >= 1e-4 ? String(Number(size.toPrecision(1))) : "<0.0001";
    } else text = size.toFixed(size >= 100 ? 0 : decimals);
    return x < 0 && Number(text) !== 0 ? MINUS + text : text;
  }

  /** Write a number to so many significant digits, for scales and sliders. */
  function brief(x, digits) {
    if (!known(x)) return DASH;
    if (!Number.isFinite(x)) return x > 0 ? "∞" : `${MINUS}∞`;
    const size = Math.abs(x);
    let text = size.toPrecision(digits || 2);
    if (size >= 1e5 || (size > 0 && size < 1e-4)) text = size.toExponential((digits || 2) - 1);
    else if (size >= 10 ** (digits || 2)) text = size.toFixed(0);
    return x < 0 && Number(text) !== 0 ? MINUS + text : text;
  }

  /** Decimals: two for ratios, else enough to show the shortest interval to two digits. */
  function decimalsFor(ratio, intervals) {
    if (ratio) return 2;
    const widths = intervals.map(([a, b]) => b - a).filter((w) => w > 0 && w < Infinity);
    if (!widths.length) return 2;
    return Math.min(Math.max(1 - Math.floor(Math.log10(Math.min(...widths))), 0), 4);
  }

  /** "74 fewer", "0 more": a difference per 1,000. */
  function difference(per1000) {
    if (!known(per1000)) return DASH;
    const size = Math.abs(Math.round(per1000)).toLocaleString("en-GB");
    return `${size} ${per1000 > 0 ? "more" : "fewer"}`;
  }

  /** A risk as so many per 1,000. */
  const perThousand = (risk) => (risk >= 0.01 ? String(Math.round(1000 * risk)) : plain(Number((1000 * risk).toPrecision(2))));

  /** The number needed to treat after Altman (1998), from quantiles of the risk difference. */
  function needed(median, lower, upper, benefit) {
    if (![median, lower, upper].every(known)) return DASH;
    const sign = benefit === "lower" ? -1 : 1;
    const middle = sign * median;
    const [low, high] = [sign * lower, sign * upper].sort((a, b) => a - b);
    const [first, last] = middle <= -SMALLEST ? [low, high] : [high, low];
    if (low <= -SMALLEST && high >= SMALLEST) {
      return `${one(middle)} (${one(first)} to ∞ to ${one(last)})`;
    }
    if (Math.abs(first) < SMALLEST && Math.abs(last) < SMALLEST) return one(middle);
    const end = one(last);
    const same = end !== "∞" && one(first) !== "∞";
    return `${one(middle)} (${one(first)} to ${same ? end.split(" ").pop() : end})`;
  }

  function one(gain) {
    if (Math.abs(gain) < SMALLEST) return "∞";
    // 1/0.1 is 10, whatever the last digit of 0.1.
    let patients = Math.ceil((1 / Math.abs(gain)) * (1 - 1e-9));
    const unit = 10 ** (String(patients).length - 2);
    if (patients > 1000) patients = Math.round(patients / unit) * unit; // two digits
    return `${gain > 0 ? "NNTB" : "NNTH"} ${patients.toLocaleString("en-GB")}`;
  }

  /** A prior as text: ["Normal", 0, 0.5] is "Normal(0, 0.5)". */
  function prior(spec) {
    if (!spec) return "";
    return `${spec[0]}(${spec.slice(1).map(plain).join(", ")})`;
  }

  /** A number as a reader would type it, at most three digits: "0.9", "1", "−20". */
  const plain = (x) => (known(x) ? String(Number(x.toPrecision(3))).replace("-", MINUS) : DASH);

  /** A named prior's name for readers. */
  const priorName = (name) => name.replace(":", ": ").replace(/\//g, ", ").replace(/[-_]/g, " ");

  /** Join with commas and "and". */
  function list(parts) {
    if (parts.length < 2) return parts.join("");
    return `${parts.slice(0, -1).join(", ")} and ${parts[parts.length - 1]}`;
  }

  BP.words = {
    brief, decimalsFor, difference, known, list, needed, number, perThousand, plain, prior,
    priorName, probability,
  };
})(typeof module === "object" && module.exports ? module.exports : (globalThis.BP = globalThis.BP || {}));
