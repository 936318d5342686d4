"""Serious adverse events in COVID-19 with and without mesenchymal stem cells.

Do mesenchymal stem cells cause serious adverse events in patients with COVID-19?
Three randomised trials, patients with at least one serious adverse event, risk ratio. One of them
is of low confidence and stays in: leaving it out would make the treatment look safer than it is.
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

QUESTION = "Do mesenchymal stem cells cause serious adverse events in patients with COVID-19?"
IMPORTANT = 0.7  # a risk ratio that would change practice


def analyse(**options) -> bp.Analysis:
    """Analyse it; `options` are those of `bp.analyse`, such as ``engine="exact"``."""
    return bp.analyse(
        bp.read_trials(DATA / "serious_adverse_events.csv"),
        measure="RR",
        priors=bp.priors("RR", "weak"),
        benefit="lower",
        thresholds=[1, 0.9, 0.8, 1.25],  # the last one says how sure a small harm is ruled out
        important=IMPORTANT,
        beside=bp.named_priors("RR", IMPORTANT, "lower", rows=earlier_reviews("adverse-events")),
        question=QUESTION,
        treatment=TREATMENT,
        event="patients with a serious adverse event",
        absolute=30,  # per 1,000 patients
        harm=True,
        limits=[
            "The largest trial (bowdish_2023) is not in it: its number could not be read.",
            UNCONFIRMED,
        ],
        alternatives=OTHER_READINGS,
        characteristics=CHARACTERISTICS,
        published=PUBLISHED,
        published_as=[
            "serious_adverse_events",
            "adverse_events (second RR printed; presumably SAE)",
        ],
        **options,
    )


if __name__ == "__main__":
    raise SystemExit(main(analyse))
