"""How often would reviews like these pass a panel's threshold, were the truth known?

Simulates 10,000 reviews with each outcome's trials, arm sizes and baselines, under no effect and
under the effect that matters, without and with spread between trials; some minutes an outcome.
`python models/operating_characteristics.py 1000 mortality` takes fewer of one.
There is no pass mark: at a fixed truth a correct Bayesian interval need not cover 95 %.
"""

import sys
from collections.abc import Sequence
from importlib import import_module

from _script import DATA, REPORTS
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

import bayespool as bp
from bayespool.files import write_csv

OUTCOMES = {
    "mortality": "lower",
    "clinical_improvement": "higher",
    "adverse_events": "lower",
    "serious_adverse_events": "lower",
}
DECISION = 0.95  # P(benefit) at which a panel would decide
TAU = [0, 0.25]


def main(reviews: int = 10_000, outcomes: Sequence[str] = tuple(OUTCOMES)) -> int:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    tables = []
    with Progress(*columns, TimeElapsedColumn()) as bar:
        for name in outcomes:
            task = bar.add_task(name.replace("_", " "), total=None)
            important = import_module(name).IMPORTANT
            found = bp.operating_characteristics(
                bp.read_trials(DATA / f"{name}.csv"),
                "RR",
                benefit=OUTCOMES[name],
                effect=[1, important],
                tau=TAU,
                decision=DECISION,
                reviews=reviews,
                progress=lambda done, of, task=task: bar.update(task, completed=done, total=of),
            )
            found.insert(0, "outcome", name)
            tables.append(found)
    import pandas as pd

    table = pd.concat(tables, ignore_index=True)
    write_csv(REPORTS / "operating_characteristics.csv", table)
    shown = ["outcome", "effect", "tau", "passes", "mean_prob", "coverage", "bias"]
    print(table[shown].round(3).to_string(index=False))
    return 0


if __name__ == "__main__":
    count, *names = sys.argv[1:] or ["10000"]
    raise SystemExit(main(int(count), names or tuple(OUTCOMES)))
