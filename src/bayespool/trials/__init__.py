"""Reading and checking a review: the only room that knows file layouts."""

from bayespool.trials.columns import LAYOUTS, Layout
from bayespool.trials.review import Trials, read_trials

__all__ = ["LAYOUTS", "Layout", "Trials", "read_trials"]
