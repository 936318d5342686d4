"""C-reactive protein in COVID-19 with and without mesenchymal stem cells.

Do mesenchymal stem cells lower C-reactive protein in COVID-19?
No trial's own values could be read: the data are one published pooled mean difference (mg/L).
A common effect with a flat prior says what that number alone says.
"""

from _script import DATA, OTHER_READINGS, main

import bayespool as bp

QUESTION = "Do mesenchymal stem cells lower C-reactive protein in COVID-19?"
IMPORTANT = -20  # mg/L
NO_TAU = "HalfNormal(1)"  # a common effect does not use it


def analyse(**options) -> bp.Analysis:
    """Analyse it; `options` are those of `bp.analyse`, such as ``engine="exact"``."""
    return bp.analyse(
        bp.read_trials(DATA / "crp.csv"),
        measure="MD",
        effects="common",
        priors=bp.Priors(mu="Flat()", tau=NO_TAU, name="flat"),
        benefit="lower",
        thresholds=[0, -10, -20],
        important=IMPORTANT,
        beside=[bp.priors("MD", "sceptical", important=IMPORTANT, benefit="lower", tau=NO_TAU)],
        question=QUESTION,
        limits=["The unit (mg/L) is presumed: the abstract that prints the number does not."],
        alternatives=OTHER_READINGS,
        **options,
    )


if __name__ == "__main__":
    raise SystemExit(main(analyse))
