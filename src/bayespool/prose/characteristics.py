"""How often reviews like this one would be right, in a sentence and a table."""

from __future__ import annotations

from bayespool.measures import MEASURES
from bayespool.prose.cells import records
from bayespool.prose.markdown import escape, section, table
from bayespool.prose.phrases import signed
from bayespool.prose.words import Findings

__all__ = ["characteristics"]


def characteristics(found: Findings) -> list[str]:
    """Say how often simulated reviews at a known truth pass the threshold of decision."""
    rows = records(found.tables.get("operating_characteristics"))
    if not rows:
        return []
    kind = MEASURES[found.measure]
    level = f"{rows[0]['decision']:g}"
    side = "above" if found.benefit == "higher" else "below"
    lines = [
        [
            f"{row['effect']:.3g}",
            f"{row['tau']:g}",
            _share(row["passes"]),
            _share(row["coverage"]),
            signed(f"{round(row['bias'], 3) + 0.0:+.3f}"),
        ]
        for row in rows
    ]
    null = [row for row in rows if row["effect"] == kind.null]
    other = [row for row in rows if row["effect"] != kind.null]
    says = (
        f"{rows[0]['reviews']:,} reviews were simulated at each truth, with these trials' sizes "
        f"and control risks, and analysed under {escape(str(rows[0]['prior']))}. "
    )
    what = f"P({kind.name} {'>' if side == 'above' else '<'} {kind.null:g}) exceeded {level} in"
    told = [f"{what} {_range(null)} of them where there is no effect"] if null else []
    if other:
        at = " or ".join(dict.fromkeys(f"{row['effect']:.3g}" for row in other))
        told.append(f"in {_range(other)} where the {kind.long} is {at}" if told else
                    f"{what} {_range(other)} where the {kind.long} is {at}")  # fmt: skip
    says += "; ".join(told) + (
        ". There is no pass mark: at one fixed truth a correct Bayesian interval need not hold "
        "95 %."
    )
    heads = [f"True {kind.name}", "True tau", f"P > {level}", "95 % interval holds", "Bias of mu"]
    return section("How often would reviews like this one say so?", says,
                   table(heads, lines, "rrrrr"))  # fmt: skip


def _share(p: float) -> str:
    return f"{100 * p:.1f} %"


def _range(rows: list[dict[str, float]]) -> str:
    """The shares that pass, from the smallest to the largest."""
    ends = sorted({_share(row["passes"]) for row in rows}, key=lambda text: float(text[:-2]))
    return ends[0] if len(ends) == 1 else f"{ends[0]} to {ends[-1]}"
