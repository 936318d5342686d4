"""The command line, as `bayespool` and as `python -m bayespool`."""

from __future__ import annotations

from bayespool.interrupt import obeying


def main() -> int:
    """Run the command line; Ctrl-C is answered even while it is being imported."""
    return obeying(_main)


def _main() -> int:
    from bayespool.cli import main

    return main()


if __name__ == "__main__":
    raise SystemExit(main())
