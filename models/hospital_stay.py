"""Stay in hospital with COVID-19, with and without mesenchymal stem cells.

Do mesenchymal stem cells shorten the stay in hospital with COVID-19?
Two randomised trials, medians and quartiles of days, ratio of means (0.8: a fifth shorter).
Each arm is taken as lognormal. Normal likelihood, normal random effects, weak priors.
The mean difference in days stands beside it.
"""

from _script import DATA, PUBLISHED, TREATMENT, UNCONFIRMED, main

import bayespool as bp

QUESTION = "Do mesenchymal stem cells shorten the stay in hospital with COVID-19?"
IMPORTANT = 0.8  # a stay shorter by a fifth
IN_DAYS = bp.Priors("Normal(0, 10)", "HalfNormal(5)", name="weak in days")


def analyse(**options) -> bp.Analysis:
    """Analyse it; `options` are those of `bp.analyse`, such as ``engine="exact"``."""
    return bp.analyse(
        bp.read_trials(DATA / "hospital_stay.csv"),
        measure="ROM",
        priors=bp.priors("ROM", "weak"),
        benefit="lower",
        thresholds=[1, 0.9, 0.8],
        important=IMPORTANT,
        beside=bp.named_priors("ROM", IMPORTANT, "lower"),
        also={"MD": IN_DAYS},
        question=QUESTION,
        treatment=TREATMENT,
        limits=["Durations ignore deaths: who dies early has a short stay.", UNCONFIRMED],
        published=PUBLISHED,
        published_as=["hospital_length_of_stay_days"],
        **options,
    )


if __name__ == "__main__":
    raise SystemExit(main(analyse))
