"""Time to improvement of COVID-19 with and without mesenchymal stem cells.

Do patients with COVID-19 improve sooner on mesenchymal stem cells?
Two randomised trials, medians and quartiles of days, ratio of means (0.8: a fifth sooner).
Each arm is taken as lognormal. Normal likelihood, normal random effects, weak priors.
The mean difference in days stands beside it.
"""

from _script import DATA, PUBLISHED, TREATMENT, UNCONFIRMED, main

import bayespool as bp

QUESTION = "Do patients with COVID-19 improve sooner on mesenchymal stem cells?"
IMPORTANT = 0.8  # a time shorter by a fifth
IN_DAYS = bp.Priors("Normal(0, 10)", "HalfNormal(5)", name="weak in days")


def analyse(**options) -> bp.Analysis:
    """Analyse it; `options` are those of `bp.analyse`, such as ``engine="exact"``."""
    return bp.analyse(
        bp.read_trials(DATA / "time_to_improvement.csv"),
        measure="ROM",
        priors=bp.priors("ROM", "weak"),
        benefit="lower",
        thresholds=[1, 0.9, 0.8],
        important=IMPORTANT,
        beside=bp.named_priors("ROM", IMPORTANT, "lower"),
        also={"MD": IN_DAYS},
        question=QUESTION,
        treatment=TREATMENT,
        limits=["Durations ignore deaths and patients who never improve.", UNCONFIRMED],
        published=PUBLISHED,
        published_as=["clinical_symptom_improvement_time_days"],
        **options,
    )


if __name__ == "__main__":
    raise SystemExit(main(analyse))
