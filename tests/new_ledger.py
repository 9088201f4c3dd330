"""A new ledger in a millisecond: the product makes one for each key, and every test gets a copy of it.

How a ledger is made is tested in tests/integration/ledger; elsewhere its schema was built some 800 times.
"""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

from ewarung_pos.ledger import migrate
from ewarung_pos.ledger.database import LEDGER_FILE

__all__ = ["new_ledger"]


@cache
def _made(key: bytes | None) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / LEDGER_FILE
        migrate.create(path, key)
        return path.read_bytes()


def new_ledger(data_dir: Path, key: bytes, *, encrypted: bool = True) -> None:
    """Put an empty ledger into this directory, as `open_ledger(..., create=True)` would."""
    path = data_dir / LEDGER_FILE
    path.touch(0o600, exist_ok=False)
    path.write_bytes(_made(key if encrypted else None))
