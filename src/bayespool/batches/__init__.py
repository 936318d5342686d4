"""Thousands of reviews: read in pieces, analysed together, on one machine or many."""

from bayespool.batches.question import COLUMNS, NUTS, Asked
from bayespool.batches.run import Written, batch, batch_to_file

__all__ = ["COLUMNS", "NUTS", "Asked", "Written", "batch", "batch_to_file"]
