"""One target under Atheris: `python -m fuzz.one TARGET [libFuzzer's options]`. Started by `python -m fuzz`."""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(include=["ewarung_pos", "fuzz"], enable_loader_override=False):
    from fuzz.targets import TARGETS


def main() -> None:
    """Search until the options say to stop."""
    name = sys.argv.pop(1)
    atheris.Setup(sys.argv, TARGETS[name])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
