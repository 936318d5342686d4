"""Adverse events in COVID-19 with and without mesenchymal stem cells.

Do mesenchymal stem cells cause adverse events in patients with COVID-19?
Four randomised trials, patients with at least one adverse event, risk ratio.
Exact binomial likelihood, normal random effects, weak priors.
"""

from _script import (
    CHARACTERISTICS,
    DATA,
    OTHER_READINGS,
    PUBLISHED,
    TREATMENT,
    UNCONFIRMED,
    earlier_reviews,
    main,
)

import bayespool as bp

QUESTION = "Do mesenchymal stem cells cause adverse events in patients with COVID-19?"
IMPORTANT = 0.7  # a risk ratio that would change practice


def analyse(**options) -> bp.Analysis:
    """Analyse it; `options` are those of `bp.analyse`, such as ``engine="exact"``."""
    return bp.analyse(
        bp.read_trials(DATA / "adverse_events.csv"),
        measure="RR",
        priors=bp.priors("RR", "weak"),
        benefit="lower",
        thresholds=[1, 0.9, 0.8, 1.25],  # the last one says how sure a small harm is ruled out
        important=IMPORTANT,
        beside=bp.named_priors("RR", IMPORTANT, "lower", rows=earlier_reviews("adverse-events")),
        question=QUESTION,
        treatment=TREATMENT,
        event="patients with an adverse event",
        absolute=30,  # per 1,000 patients
        harm=True,
        limits=[
            "The trials count adverse events over 14 to 30 days and by their own rules.",
            UNCONFIRMED,
        ],
        alternatives=OTHER_READINGS,
        characteristics=CHARACTERISTICS,
        published=PUBLISHED,
        published_as=[
            "adverse_events",
            "adverse_events (ARDS incl. non-COVID)",
            "adverse_events (first RR printed)",
        ],
        **options,
    )


if __name__ == "__main__":
    raise SystemExit(main(analyse))
