"""The only room that writes to disk: whole files or none, whole folders or none."""

from bayespool.files.folder import Making, Replacement, give_up, replacing
from bayespool.files.locks import alone
from bayespool.files.signals import is_placing
from bayespool.files.single import (
    NewFile,
    atomic_write,
    sweep,
    write_csv,
    write_if_changed,
    write_json,
)
from bayespool.files.texts import csv_text, json_text, sha256_of, without_keys

__all__ = [
    "Making",
    "NewFile",
    "Replacement",
    "alone",
    "atomic_write",
    "csv_text",
    "give_up",
    "is_placing",
    "json_text",
    "replacing",
    "sha256_of",
    "sweep",
    "without_keys",
    "write_csv",
    "write_if_changed",
    "write_json",
]
