"""The report's first half: trials, model, posterior, benefit, absolute effects, prediction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bayespool.figures.words import number, spread
from bayespool.measures import MEASURES, to_natural
from bayespool.prior import describe, parse_prior
from bayespool.prose.absolute import per_1000, rows_at
from bayespool.prose.cells import (
    chance,
    chance_head,
    effect_head,
    is_known,
    numeral,
    prior_text,
    records,
    stated,
)
from bayespool.prose.markdown import EMPTY, escape, section, table
from bayespool.prose.phrases import article, freedom, signed
from bayespool.prose.words import Findings, chance_mcse, ends, interval, is_other, places

__all__ = ["benefit", "key_numbers", "model", "posterior", "prediction", "quantity"]

FARTHEST = 1000  # a ratio beyond it, or below its inverse, is printed as such
QUANTITIES = {"mu": "mean effect, mu", "theta_new": "effect in a new trial", "tau": "tau"}
EFFECTS = {
    "random": "theta ~ Normal(mu, tau): random effects, drawn together as far as tau is small.",
    "t": "theta ~ StudentT(4, mu, tau): random effects with heavy tails, so that a trial far from "
    "the others pulls less. tau is their scale, their SD is 1.41 tau.",
    "common": "theta = mu: one common effect, without a spread between trials.",
}


def key_numbers(found: Findings) -> str:
    """The table under the answer."""
    record, part, kind = found.record, found.part, MEASURES[found.measure]
    natural = part["natural"]
    names = [name for name in ("mu", "theta_new") if name in natural]
    decimals = places(kind.ratio, [ends(natural[name]) for name in names])
    word = "prob_benefit" if found.benefit else "prob_below"
    null = f"{kind.null:g}"
    rows = []
    for name, suffix in zip(names, ("", "_new"), strict=False):
        label = kind.long.capitalize() if name == "mu" else "The same in a new trial"
        p = part.get(word + suffix, {}).get(null)
        error = chance_mcse(found, found.engine, p, name)
        rows.append([label, interval(found, found.engine, name, decimals), chance(p, error)])
    event = escape(str(record.get("event") or "events"))
    absolute = record.get("absolute") or {}
    by = f", by the {absolute['measure']}" if is_other(found) else ""
    for row in rows_at(found, absolute.get("headline", "median")):
        where = by if row["quantity"] == "mu" else f"{by}, new trial"
        label = f"{event[:1].upper()}{event[1:]} per 1,000, change{where}"
        rows.append([label, per_1000(row), EMPTY])
        if is_known(row.get("nnt")):
            rows.append([f"Number needed to treat{where}", escape(row["nnt"]), EMPTY])
    if "tau" in part:
        unit = " (log scale)" if kind.ratio else ""
        said = interval(found, found.engine, "tau", max(decimals, 2), natural=False)
        rows.append([f"Spread between trials, tau{unit}", said, EMPTY])
    return table(["Quantity", "Median [95 % interval]", chance_head(found)], rows)


def model(found: Findings) -> list[str]:
    """The model and its priors, and what the priors imply."""
    record = found.record
    effect = EFFECTS[record["effects"]]
    if record["likelihood"] == "binomial":
        first = (
            "The events of each arm are binomial, and nothing is added to arms without events. "
            f"Trial i has the effect theta (its {MEASURES[found.measure].long}) and the baseline "
            "phi, half the log odds product of its two risks."
        )
    elif record["likelihood"] == "arms":
        first = (
            "The means of both arms are t distributed: their SDs are unknown and integrated out, "
            f"and theta is the trial's own {MEASURES[found.measure].long}."
        )
    else:
        first = (
            "Each trial's estimate is normal around its own effect theta, with its standard error "
            "taken as known."
        )
    which = "mu is" if record["effects"] == "common" else "mu and tau are"
    scale = {
        "log": f"{which} on the natural log scale.",
        "atanh": f"{which} on the atanh scale of the risk difference.",
        "identity": "",
    }[record["scale"]]
    rows = []
    for role in ("mu", "tau", "phi"):
        text = record["priors"].get(role)
        if text:
            prior = parse_prior(text, role)
            says = describe(prior, found.measure, record["likelihood"])
            rows.append([role, prior_text(text), escape(signed(says))])
    name = escape(record["priors"]["name"])
    first_row: dict[str, Any] = next(iter(record.get("other_priors") or []), {})
    more = stated(first_row)
    return section(
        "Model and priors",
        f"{first} {effect} {scale}".strip(),
        table(["Parameter", f"Prior ({name})", "What it implies"], rows, "lll"),
        more,
    )


def posterior(found: Findings) -> list[str]:
    """Posterior of both engines, on the analysis scale and in natural units."""
    ratio = MEASURES[found.measure].ratio
    rows = []
    for engine in ("exact", "nuts"):
        part = found.record.get(engine)
        if part is None:
            continue
        natural = part["natural"]
        decimals = places(
            ratio, [ends(natural[name]) for name in ("mu", "theta_new") if name in natural]
        )
        for name in QUANTITIES:
            if name not in part:
                continue
            errors = part.get("mcse", {}).get(name, {})
            mean, sd = (numeral(part[name][w], errors.get(w) or 0.0) for w in ("mean", "sd"))
            own = interval(found, engine, name, 3 if ratio else max(decimals, 2), natural=False)
            shown = EMPTY
            if name in natural:
                shown = interval(found, engine, name, decimals)
            label = {"exact": "exact", "nuts": "NUTS"}[engine]
            rows.append([QUANTITIES[name], label, mean, sd, own, shown])
    scale = {"log": ", log scale", "atanh": ", atanh scale"}.get(found.scale, "")
    heads = ["Quantity", "Engine", "Mean", "SD", f"Median [95 %]{scale}"]
    heads.append(effect_head(found.measure))
    if found.scale == "identity":
        heads, rows = heads[:-1], [row[:-1] for row in rows]
    says = "Intervals are equal-tailed. Mean and SD are on the analysis scale."
    if "nuts" in found.record:
        says += " The numbers of NUTS stop at the digit that their Monte Carlo error supports."
    return section("Posterior", table(heads, rows, "ll" + "r" * (len(heads) - 2)), says)


def benefit(found: Findings) -> list[str]:
    """Probability of benefit by threshold, of the mean effect and in a new trial."""
    rows = records(found.tables.get("prob_benefit"))
    first, second = ("prob_benefit", "prob_harm") if found.benefit else (
        "prob_below", "prob_above")  # fmt: skip
    engines = [name for name in ("exact", "nuts") if any(row["engine"] == name for row in rows)]
    new = any(is_known(row.get(f"{first}_new")) for row in rows)
    lines = []
    for row in rows:
        t = row["threshold"]
        sides = [signed(chance_head(found, t, other)[2:-1]) for other in (False, True)]
        line = [sides[0], {"exact": "exact", "nuts": "NUTS"}[row["engine"]]]
        line.append(chance(row[first], row["mcse"]))
        if new:
            p = row[f"{first}_new"]
            line.append(chance(p, chance_mcse(found, row["engine"], p, "theta_new")))
        lines.append([*line, f"{sides[1]}: {chance(row[second], row['mcse'])}"])
    heads = ["Effect", "Engine", "Probability", *(["In a new trial"] if new else []), "Other side"]
    align = "ll" + "r" * (len(heads) - 2)
    if len(engines) == 1:
        heads.pop(1)
        lines = [[line[0], *line[2:]] for line in lines]
        align = align[1:]
    important = found.record.get("important")
    says = ""
    if is_known(important) and found.benefit:
        says = (
            "The analyst declared as the smallest effect that matters: "
            f"{chance_head(found, f'{important:.3g}')[2:-1]}."
        )
    title = "Probability of benefit" if found.benefit else "Probability of either side"
    return section(title, table(heads, lines, align), says) if lines else []


def prediction(found: Findings) -> list[str]:
    """The effect in a new trial, beside the classical prediction interval."""
    natural = found.part["natural"]
    if "theta_new" not in natural:
        return []
    kind = MEASURES[found.measure]
    decimals = places(kind.ratio, [ends(natural["theta_new"])])
    p = (found.part.get("prob_benefit_new" if found.benefit else "prob_below_new") or {}).get(
        f"{kind.null:g}"
    )
    error = chance_mcse(found, found.engine, p, "theta_new")
    first = (
        f"A new trial from the same population of trials would have "
        f"{article(kind.long)} {kind.long} of "
        f"{interval(found, found.engine, 'theta_new', decimals)}, with {chance_head(found)} = "
        f"{chance(p, error)}. That is its true effect; its estimate would scatter around it."
    )
    lines = [first]
    for row in found.record["frequentist"]:
        if row["method"] == "REML" and is_known(row["prediction_lower"]):
            ratio_ends = [row["estimate"], row["prediction_lower"], row["prediction_upper"]]
            scale = "log" if kind.ratio else "identity"
            values = [float(to_natural(value, scale)) for value in ratio_ends]
            lines.append(
                f"The classical prediction interval (REML, {freedom(row['prediction_df'])}) is "
                f"{_readable(values, decimals, kind.ratio)}."
            )
    return section("Prediction", " ".join(lines))


def _readable(values: Sequence[float], decimals: int, ratio: bool) -> str:
    """Write an interval; ratios that say nothing any more are cut at 1,000 and its inverse."""
    if not ratio:
        return spread(values, decimals)
    middle, lower, upper = (number(x, decimals, ratio=True) for x in values)
    lower = "below 0.001" if values[1] < 1 / FARTHEST else lower
    upper = f"above {FARTHEST:,}" if values[2] > FARTHEST else upper
    return f"{middle} [{lower}, {upper}]"


def quantity(name: str) -> str:
    """Name a quantity of a table; a trial by its own name."""
    return QUANTITIES.get(name) or escape(name)
