"""The text of a prior: parsed, never evaluated, and checked against the parameter it is for."""

from __future__ import annotations

import difflib
import math
import re
from typing import Literal

from bayespool.errors import PriorError
from bayespool.prior.families import FAMILIES

Role = Literal["mu", "tau", "phi"]

ROLES = {
    "mu": "the mean effect",
    "tau": "the standard deviation between trials",
    "phi": "the baseline, half the log odds product",
}
_PHI_FAMILIES = ["Normal", "StudentT", "Cauchy", "Logistic"]
_MAX_TEXT = 200
# Beyond these sizes a prior is a slip of the keyboard, and its arithmetic would overflow.
_SMALLEST, _LARGEST = 1e-12, 1e12
_CALL = re.compile(r"\s*([A-Za-z_]\w*)\s*\((.*)\)\s*", re.DOTALL)
_NAMED = re.compile(r"\s*([A-Za-z_]\w*)\s*=(.*)", re.DOTALL)
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)


def parse(text: object, role: str) -> tuple[str, tuple[float, ...]]:
    """Family and numbers of a text such as ``"Normal(0, 1)"`` or ``"HalfNormal(sigma=0.5)"``.

    The numbers are finite or infinite: ``check_values`` judges them.

    Raises
    ------
    PriorError
        Says what was found and what is expected.
    """
    check_role(role)
    example = "HalfNormal(0.5)" if role == "tau" else "Normal(0, 1)"
    if not isinstance(text, str):
        found = f"{text!r:.80} ({type(text).__name__})"
        raise _fault(role, found, f"a prior is text such as {example!r}")
    if len(text) > _MAX_TEXT:
        found = f"{text[:40]!r}... ({len(text)} characters)"
        raise _fault(role, found, f"a prior has at most {_MAX_TEXT} characters")
    call = _CALL.fullmatch(text)
    if call is None:
        close = "Flat()" if text.strip() == "Flat" else example
        raise _fault(role, repr(text), f"write a family and its numbers, such as {close}")
    family, inside = call.groups()
    check_family(family, role, text)
    return family, _numbers(family, inside, role, text)


def canonical(family: str, values: tuple[float, ...]) -> str:
    """Write a family and its numbers as text that ``parse`` reads back to the same."""
    return f"{family}({', '.join(_number_text(value) for value in values)})"


def check_role(role: str) -> None:
    """Refuse anything but mu, tau and phi."""
    if role not in ROLES:
        raise PriorError(f"a prior is for mu, tau or phi, not for {role!r}.")


def check_family(family: str, role: str, text: str) -> None:
    """Refuse an unknown family, or one that does not suit the parameter; ``text`` is quoted."""
    suited = _families_for(role)
    if family in suited:
        return
    options = f"The families for {role} are {', '.join(_signature(name) for name in suited)}"
    known = [*FAMILIES, "Flat"]
    if family not in known:
        by_case = {name.lower(): name for name in known}
        close = difflib.get_close_matches(family.lower(), by_case, n=1)
        hint = f" Did you mean {by_case[close[0]]}?" if close else ""
        raise _fault(role, repr(text), f"there is no family {family}.{hint} {options}")
    match role:
        case "phi":
            why = f"phi, {ROLES['phi']}, can be any number, so its prior is proper and unbounded."
        case "mu":
            why = "LogStudentT is a distribution of tau: it says that log(tau²) is Student-t."
        case _:
            half = f"Half{family}"
            hint = f" Did you mean {_signature(half)}?" if half in FAMILIES else ""
            why = f"tau, {ROLES['tau']}, cannot be negative.{hint}"
    raise _fault(role, repr(text), f"{why} {options}")


def check_values(family: str, values: tuple[float, ...], role: str) -> None:
    """Refuse numbers that the family or the parameter cannot have."""
    text = canonical(family, values)
    names = _parameters(family)
    positive = FAMILIES[family].positive if family in FAMILIES else frozenset()
    if len(values) != len(names):
        raise _fault(role, text, f"wrong number of values; expected {_signature(family)}")
    for name, value in zip(names, values, strict=True):
        if not math.isfinite(value):
            raise _fault(role, text, f"{name} = {value} is not a finite number")
        if name in positive and value <= 0:
            raise _fault(role, text, f"{name} = {_number_text(value)} must be above 0")
        if abs(value) > _LARGEST or (name in positive and value < _SMALLEST):
            size = f"{name} = {_number_text(value)} is outside {_SMALLEST:g} to {_LARGEST:g}"
            raise _fault(role, text, f"{size} in size. Choose another unit for the outcome")
    if family != "Uniform":
        return
    if values[1] - values[0] < _SMALLEST:
        raise _fault(role, text, "lower must be below upper")
    if role == "tau" and values[0] < 0:
        advice = f"tau, {ROLES['tau']}, cannot be negative: lower must be 0 or more"
        raise _fault(role, text, advice)


def _numbers(family: str, inside: str, role: str, text: str) -> tuple[float, ...]:
    names = _parameters(family)
    expected = f"expected {_signature(family)}"
    pieces = inside.split(",") if inside.strip() else []
    values: dict[str, float] = {}
    named = False
    for position, piece in enumerate(pieces):
        match = _NAMED.fullmatch(piece)
        if match:
            named = True
            name, number = match.groups()
            if name not in names:
                raise _fault(role, repr(text), f"{family} has no argument {name}; {expected}")
        elif named:
            advice = f"{piece.strip()!r} follows a named argument and needs a name too; {expected}"
            raise _fault(role, repr(text), advice)
        elif position >= len(names):
            raise _fault(role, repr(text), f"too many numbers; {expected}")
        else:
            name, number = names[position], piece
        if name in values:
            raise _fault(role, repr(text), f"{name} is given twice; {expected}")
        number = number.strip()
        if not _NUMBER.fullmatch(number):
            advice = f"{number!r} is not a number such as 0.5 or -1e-3; {expected}"
            raise _fault(role, repr(text), advice)
        values[name] = float(number)
        if not math.isfinite(values[name]):
            advice = f"{number} is beyond what a computer can hold. Choose a smaller number"
            raise _fault(role, repr(text), advice)
    missing = [name for name in names if name not in values]
    if missing:
        raise _fault(role, repr(text), f"{' and '.join(missing)} missing; {expected}")
    return tuple(values[name] for name in names)


def _families_for(role: str) -> list[str]:
    if role == "phi":
        return _PHI_FAMILIES
    if role == "tau":
        positive = [name for name, family in FAMILIES.items() if family.lower == 0]
        return [*positive, "Uniform", "Flat"]
    return [*(name for name in FAMILIES if name != "LogStudentT"), "Flat"]


def _parameters(family: str) -> tuple[str, ...]:
    return FAMILIES[family].parameters if family in FAMILIES else ()


def _signature(family: str) -> str:
    return f"{family}({', '.join(_parameters(family))})"


def _number_text(value: float) -> str:
    return repr(value).removesuffix(".0")


def _fault(role: str, found: str, advice: str) -> PriorError:
    return PriorError(f"prior on {role}: {found}: {advice}.")
