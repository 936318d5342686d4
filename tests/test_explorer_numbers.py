"""Every live number of the explorer, in a real browser, against the Python engine."""

import numpy as np
import pytest
from browser import chromium, measured, visit
from explorer_answers import differences, setting, text, weights_of
from explorer_reviews import REVIEWS

import bayespool as bp
from bayespool.measures import to_natural

# Random settings of each outcome: 200 in all.
SETTINGS = {
    "mortality": 30,
    "hospital_stay": 60,
    "cure": 25,
    "pain": 6,  # Python takes seconds for Student-t effects in a new trial
    "clinical_improvement": 59,
    "serious_adverse_events": 20,
}
CLOSE = 1e-3  # in any probability, and in quantiles by the width of their interval


@pytest.fixture(scope="module")
def browser():
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def reviews(browser):
    return {name: review() for name, review in REVIEWS.items()}


@pytest.fixture(scope="module")
def file(reviews, tmp_path_factory):
    return bp.page(list(reviews.values()), tmp_path_factory.mktemp("page"))


@pytest.fixture(scope="module")
def shown(browser, file):
    with visit(browser, file) as found:
        yield found
        found.quiet()


def test_six_outcomes_are_below_three_megabytes(shown, file, tmp_path, record_property):
    size = file.stat().st_size
    measured("page_size", {"bytes": size}, tmp_path, record_property)
    assert [outcome["name"] for outcome in shown.outcomes()] == list(REVIEWS)
    assert size < 3e6


@pytest.mark.parametrize("name", REVIEWS)
def test_live_numbers_equal_pythons_at_random_settings(
    name, shown, reviews, tmp_path, record_property
):
    random = np.random.default_rng(len(name))
    outcome = shown.outcome(name)
    states = [setting(random, outcome) for _ in range(SETTINGS[name])]
    found = shown.live_at(outcome["id"], states)
    worst = {"probability": (0.0, ""), "quantile": (0.0, "")}
    beyond = {"probability": (0.0, ""), "quantile": (0.0, "")}  # where the page says so itself
    unanswered = warned = 0
    for state, (live, trouble) in zip(states, found, strict=True):
        off = differences(reviews[name], outcome, state, live)
        unanswered += not off
        warned += bool(off and trouble)
        largest = beyond if trouble else worst
        for key, difference in off.items():
            kind = "probability" if key.startswith("prob") else "quantile"
            largest[kind] = max(largest[kind], (float(difference), f"{key} {state}"))
    told = {"settings": len(states), "without_answer": unanswered, "warned": warned}
    told |= {kind: difference for kind, (difference, _) in worst.items()}
    told |= {f"{kind}_where_warned": difference for kind, (difference, _) in beyond.items()}
    measured(f"parity_{name}", told, tmp_path, record_property)
    assert unanswered + warned < len(states) / 5
    assert worst["probability"][0] < CLOSE, worst["probability"]
    assert worst["quantile"][0] < CLOSE, worst["quantile"]


# Keeps what the page hands to the figures that ask many questions.
LISTEN = """() => {
    globalThis.drawn = {};
    for (const name of ["atlas", "intervals"]) {
        const draw = BP.charts[name];
        BP.charts[name] = (host, given) => {
            drawn[host.closest("figure").dataset.figure] = given;
            return draw(host, given);
        };
    }
}"""


@pytest.mark.parametrize("name", ["mortality", "cure", "pain"])
def test_the_atlas_and_the_trials_left_out_are_pythons(
    name, shown, reviews, tmp_path, record_property
):
    analysis, outcome = reviews[name], shown.outcome(name)
    unit = outcome["limits"]["mean"][1] / 5
    state = {
        "prior": None,
        "mu": ["Normal", 0.4 * unit, unit],
        "tau": ["HalfNormal", 0.5 * unit],
        "threshold": 0.9 if outcome["ratio"] else -2.0,
        "without": [1],
        "trust": 0.5,
    }
    shown.page.evaluate(LISTEN)
    shown.live_at(outcome["id"], [state])
    drawn = shown.page.evaluate("() => drawn")
    table = analysis.surface.weighted(weights_of(outcome, state))
    priors = bp.Priors(text(state["mu"]), text(state["tau"]))
    asked = (priors, analysis.benefit, state["threshold"])
    atlas = bp.prior_atlas(
        table,
        *asked,
        mu_sd=drawn["atlas"]["sds"],
        tau_scale=drawn["atlas"]["scales"],
        centre=float(to_natural(state["mu"][1], analysis.scale)),
    )
    word = "prob_benefit" if analysis.benefit else "prob_below"
    found = {"atlas": float(np.abs(np.ravel(drawn["atlas"]["p"]) - atlas[word]).max())}
    without = bp.leave_one_out(table, *asked, new=False).iloc[1:]
    assert [row["label"] for row in drawn["left_out"]["rows"]] == [
        f"without {trial}" for trial in without["without"]
    ]
    found["left_out"] = apart(drawn["left_out"]["rows"], without, word)
    by_year = bp.cumulative(table, *asked, new=False).groupby("year").last()
    found["cumulative"] = apart(drawn["cumulative"]["rows"], by_year, word)
    measured(f"figures_{name}", found, tmp_path, record_property)
    assert max(found.values()) < CLOSE


def apart(rows, wanted, word) -> float:
    """Largest difference of probabilities, and of interval ends by the interval's width."""
    natural = wanted[["natural_median", "natural_lower", "natural_upper"]].to_numpy()
    width = wanted["natural_upper"] - wanted["natural_lower"]
    ends = np.abs([row["value"] for row in rows] - natural).max(axis=1) / width
    return float(max(ends.max(), np.abs([row["p"] for row in rows] - wanted[word]).max()))


def test_how_long_an_answer_takes_is_measured(shown, tmp_path, record_property):
    """Told, not judged: a time depends on what else the machine does."""
    outcome = shown.outcome("cure")
    assert len(outcome["trials"]) == 14
    shown.reset(outcome["id"])
    sliders = shown.page.locator(f"[id='{outcome['id']}'] input[type=range]:visible")
    spent = []
    for i in range(30):
        sliders.nth(i % sliders.count()).press("ArrowLeft" if i % 4 == 3 else "ArrowRight")
        spent.append(shown.page.evaluate("(id) => BP.explorer.lastUpdate(id)", outcome["id"]))
    assert all(time > 0 for time in spent)
    found = {"moves": len(spent), "median_ms": float(np.median(spent))}
    found |= {"p95_ms": float(np.quantile(spent, 0.95)), "largest_ms": max(spent)}
    measured("update_time", found, tmp_path, record_property)
