"""Stay in hospital with COVID-19, with and without mesenchymal stem cells.

Do mesenchymal stem cells shorten the stay in hospital with COVID-19?
Two randomised trials, medians and quartiles of days, ratio of means (0.8: a fifth shorter).
Each arm is taken as lognormal. Normal likelihood, normal random effects, weak priors.
"""

from _script import DATA, UNCONFIRMED, main

import bayespool as bp

QUESTION = "Do mesenchymal stem cells shorten the stay in hospital with COVID-19?"
IMPORTANT = 0.8  # a stay shorter by a fifth


def analyse(**options) -> bp.Analysis:
    """Analyse it; `options` are those of `bp.analyse`, such as ``engine="exact"``."""
    return bp.analyse(
        bp.read_trials(DATA / "hospital_stay.csv"),
        measure="ROM",
        priors=bp.priors("ROM", "weak"),
        benefit="lower",
        thresholds=[1, 0.9, 0.8],
        important=IMPORTANT,
        beside=[
            bp.priors("ROM", "vague"),
            bp.priors("ROM", "sceptical", important=IMPORTANT, benefit="lower"),
        ],
        question=QUESTION,
        limits=["Durations ignore deaths: who dies early has a short stay.", UNCONFIRMED],
        **options,
    )


if __name__ == "__main__":
    raise SystemExit(main(analyse))
