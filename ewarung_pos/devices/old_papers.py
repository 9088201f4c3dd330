"""Papers that lie in the clear on this machine, and go when names go (`policy.retention_months`)."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from ewarung_pos.domain.timeline import Instant

__all__ = ["drop_papers"]


def drop_papers(data_dir: Path, before: str) -> None:
    """Remove what was written before this month (`YYYY-MM`); a file in use goes next time.

    That is the lists of `report pdp`, by the day in their names, and papers as PDF and as the bytes that a printer got,
    by when they were written: the ledger has what they say, and prints it again.
    """
    from ewarung_pos.domain.breach import day_of_list  # no screen waits for it

    papers, sent = data_dir / "papers", data_dir / "print"
    for file in {*papers.glob("pdp-*"), *papers.glob("*.pdf"), *sent.glob("*.bin")}:
        with suppress(OSError, ValueError):
            day = day_of_list(file.name) or Instant(int(file.stat().st_mtime) * 1000).date().iso
            if day[:7] < before:
                file.unlink()
