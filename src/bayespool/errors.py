"""What can go wrong, in words meant for the person at the keyboard."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from xarray import DataTree

__all__ = ["BayespoolError", "ConvergenceError", "DataError", "PriorError", "UsageError"]


class BayespoolError(Exception):
    """Base of every error raised on purpose; ``str(error)`` is the whole message."""


class DataError(BayespoolError):
    """The data cannot be used as they are.

    Parameters
    ----------
    faults : str or sequence of str
        Every fault found, one sentence or two each.

    Attributes
    ----------
    faults : tuple of str
        The faults in the order in which they stand in the file.
    """

    def __init__(self, faults: str | Sequence[str]) -> None:
        self.faults: tuple[str, ...] = (faults,) if isinstance(faults, str) else tuple(faults)
        super().__init__("\n".join(self.faults))

    def __reduce__(self) -> tuple[type[DataError], tuple[tuple[str, ...]]]:
        return type(self), (self.faults,)


class PriorError(BayespoolError):
    """A prior cannot be read, or does not fit the parameter it is meant for."""


class UsageError(BayespoolError):
    """An option or argument that is impossible: exit status 2 on the command line."""


class ConvergenceError(BayespoolError):
    """The chains did not converge: exit status 3 on the command line.

    Attributes
    ----------
    fit : xarray.DataTree
        The draws and their diagnostics, for looking into.
    """

    def __init__(self, message: str, fit: DataTree) -> None:
        super().__init__(message)
        self.fit = fit

    def __reduce__(self) -> tuple[type[ConvergenceError], tuple[str, DataTree]]:
        return type(self), (str(self), self.fit)
