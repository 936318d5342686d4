"""Tables for the fuzz tests, as the text of a file: right, nearly right and wild."""

from __future__ import annotations

import csv
import io

from hypothesis import strategies as st

from bayespool.trials import LAYOUTS

NAMES = (
    "shi_2021", "O'Brien 2020", "施, L. 2021", "a b", "=1+1", "<script>alert(1)</script>", "{0}",
    "%s %(x)s", "[bold]x[/bold]", "Ünlü–Öz", "a\\nb", '"', "x" * 300, "1", "-", "theta", "mu",
    "total", "🙂", "ﬁ", "a\u202eb", "../../etc", "$x$ \\frac", "&amp;", "e\u0301",
)  # fmt: skip
JUNK = (
    "", " ", "NA", "NR", "n/a", "-", "?", ".", "nan", "inf", "-inf", "1e400", "1,204", "1 204",
    "31%", "3/40", "<5", "~7", "12-Jan", "2021-01-12", "1_0", "0x1F", "１２", "12.5.1", "--3",
    "three", "1e", "True", "None", "−3", "3*", "3 (7.5%)", "0.5 (0.2)", "#REF!", "'7", "1e-400",
    "\t3", "9" * 400, "4\u00a0", "½", "<b>3</b>", "{}", "=A1",
)  # fmt: skip
OPTIONAL = {
    "year": ("2020", "", "20211", "0", "2020.5", "two", "-3", "1e9"),
    "subgroup": ("a", "b", "", "NA", "<i>", "a, b"),
    "risk_of_bias": ("low", "some", "high", "Some concerns", "", "hgih", "unclear", "NA"),
    "confidence": ("high", "medium", "low", "", "so-so"),
    "source": ("table 2", "", "=cmd|'/c calc'!A1"),
    "participants": ("80", "", "about 80", "-1", "1e400"),
    "trials_pooled": ("3", "", "many", "-1", "1e400", "2.5"),
    "days": ("28", "", "x"),
    "note": ("ok", "", 'says "no"', "two\nlines"),
}


def written(rows: list[list[str]]) -> str:
    """Rows as the text of a CSV file."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def one_in(draw: st.DrawFn, n: int) -> bool:
    """Whether something that happens once in n times happens; shrinks to no."""
    return draw(st.integers(1, n)) == n and n > 1


# --- tables -----------------------------------------------------------------------------------

COUNTS = st.one_of(st.integers(2, 200), st.sampled_from((1, 2, 3, 7, 10_000, 10**7)))
SHARES = st.one_of(st.floats(0, 1), st.sampled_from((0.0, 1.0)))
ORDINARY = st.floats(-3, 3).map(lambda x: round(x, 3))
EXTREME = st.sampled_from((
    0.0, 1e-8, -1e-8, 1e-30, 1e-100, 5e-324, 20.0, -40.0, 700.0, 1e4, -1e8, 1e12, 1e30, -1e49,
    1e51, 1e77, -1e99, 1e150, 1e308,
))  # fmt: skip
SIZES = st.sampled_from((1e-12, 1e-3, 1.0, 100.0, 1e6))
SPREADS = st.floats(0.02, 3).map(lambda x: round(x, 3))
EXTREME_SPREADS = st.sampled_from((
    0.0, -0.3, 1e-8, 1e8, 1e-3, 50.0, 1e-20, 1e20, 1e-49, 1e49, 1e-60, 1e-99, 1e99, 1e-300, 5e-324,
))  # fmt: skip


def _binary(draw: st.DrawFn, wild: bool) -> list[str]:
    row = []
    for _ in ("treatment", "control"):
        n = draw(COUNTS if wild else st.integers(1, 150))
        row += [str(round(draw(SHARES) * n)), str(n)]
    return row


def _generic(draw: st.DrawFn, wild: bool) -> list[str]:
    estimate = draw(st.one_of(ORDINARY, EXTREME) if wild else ORDINARY)
    return [repr(estimate), repr(draw(st.one_of(SPREADS, EXTREME_SPREADS) if wild else SPREADS))]


def _summaries(draw: st.DrawFn, layout: str, wild: bool) -> list[str]:
    row = []
    unit = draw(SIZES) if wild else 1.0
    for _ in ("treatment", "control"):
        n = draw(COUNTS if wild else st.integers(5, 90))
        spread = draw(st.one_of(SPREADS, EXTREME_SPREADS) if wild else SPREADS)
        middle = draw(st.one_of(ORDINARY, EXTREME) if wild else st.floats(4, 40))
        if layout == "continuous":
            numbers = [middle * unit, spread * unit]
        else:
            low, high = draw(st.floats(0.1, 1)), draw(st.floats(0.1, 1))
            steps = {"min": -2 * low, "q1": -low, "median": 0.0, "q3": high, "max": 2 * high}
            numbers = [
                (middle + spread * steps[stem]) * unit
                for stem in (name.split("_")[0] for name in LAYOUTS[layout])
                if stem in steps
            ][: len(LAYOUTS[layout]) // 2 - 1]
        row += [*map(repr, numbers), str(n)]
    return row


def _row(draw: st.DrawFn, layout: str, wild: bool) -> list[str]:
    if layout == "binary":
        return _binary(draw, wild)
    return _generic(draw, wild) if layout == "generic" else _summaries(draw, layout, wild)


@st.composite
def tables(draw: st.DrawFn, layout: str, broken: int, wild: int, most: int = 5) -> str:
    """A table of a layout: once in `broken` cells and lines are spoilt, once in `wild` extreme."""
    extreme = one_in(draw, wild)
    count = draw(st.integers(1, most))
    header = ["trial", *LAYOUTS[layout]]
    rows = []
    for i in range(count):
        name = draw(st.sampled_from(NAMES)) if one_in(draw, 5) else f"t{i}"
        rows.append([name, *_row(draw, layout, extreme)])
    if count > 1 and one_in(draw, 12):
        rows[-1][1:] = rows[0][1:]  # the same numbers twice
    for name, cells in OPTIONAL.items():
        if one_in(draw, 9):
            header.append(name)
            few = cells if one_in(draw, broken) else cells[:2]
            for row in rows:
                row.append(draw(st.sampled_from(few)))
    text = written([header, *rows])
    return _spoilt(draw, header, rows) if one_in(draw, broken) else text


def _spoilt(draw: st.DrawFn, header: list[str], rows: list[list[str]]) -> str:
    """The same table after one or two slips of a hand."""
    for _ in range(draw(st.integers(1, 2))):
        i = draw(st.integers(0, len(rows) - 1))
        j = draw(st.integers(0, len(header) - 1))
        match draw(st.integers(0, 9)):
            case 0 | 1 | 2 | 3:
                if j < len(rows[i]):
                    rows[i][j] = draw(st.one_of(st.sampled_from(JUNK), st.text(max_size=8)))
            case 4:
                rows.append(list(rows[i]))
            case 5:
                rows[i] = rows[i][: draw(st.integers(0, len(rows[i])))]
            case 6:
                header[j] = draw(st.sampled_from((header[j][:-1], header[j].upper(), "", "n")))
            case 7:
                rows[i] += draw(st.sampled_from(([""], ["", ""], ["x"])))
            case 8:
                for row in [header, *rows]:
                    del row[j : j + draw(st.integers(1, 2))]
                if not header:
                    header.append("trial")
            case _:
                rows.insert(0, ["Results", *[""] * (len(header) - 1)])
    return _spoilt_text(draw, written([header, *rows]))


def _spoilt_text(draw: st.DrawFn, text: str) -> str:
    match draw(st.integers(0, 11)):
        case 0:
            return text.replace(",", draw(st.sampled_from((";", "\t", "|", ", ", ",,"))))
        case 1:
            return text.replace("\n", draw(st.sampled_from(("\r\n", "\r", "\n\n", "\n\r\n"))))
        case 2:
            return text[: draw(st.integers(0, len(text)))]
        case 3:
            at = draw(st.integers(0, len(text)))
            return text[:at] + draw(st.sampled_from(('"', "\ufeff", "\0", "é", "\x1b"))) + text[at:]
        case 4:
            return text + "Total" + "," * text.split("\n")[0].count(",") + "\n"
        case _:
            return text
