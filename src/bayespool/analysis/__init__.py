"""The whole way from trials to a certified answer, and its files."""

from bayespool.analysis.result import Analysis
from bayespool.analysis.run import analyse, crosscheck
from bayespool.analysis.writing import write_report

__all__ = ["Analysis", "analyse", "crosscheck", "write_report"]
