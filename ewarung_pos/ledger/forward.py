"""A file of an older version as this version reads it: a copy that was brought up to date, and that goes again."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from ewarung_pos.ledger import engine, migrate
from ewarung_pos.ledger.backup import copy_ledger
from ewarung_pos.ledger.engine import LEDGER_FILE, connect
from ewarung_pos.ledger.lock import LOCK_FILE, InstanceLock

__all__ = ["DRAFT", "brought_forward"]

DRAFT = "ewarung-reading-"
"""How the name of the copy's folder begins, in the system's folder for such."""


@contextmanager
def brought_forward(file: Path, key: bytes | None) -> Iterator[Path]:
    """The file itself where it is of this version; nothing is written into an older one, and the copy is not verified.

    Raises:
        LedgerError, ConfigError: it cannot be read.
        MigrationFailed: it cannot be brought up to date.
    """
    connection = connect(file, key, query_only=True)
    try:
        with engine.translated():
            held = engine.check_owner(connection)
    finally:
        connection.close()
    if held == engine.SCHEMA_VERSION:
        yield file
        return
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix=DRAFT))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        # Whoever looks for what was left behind (`inventory`) sees that this is under way.
        stack.callback(InstanceLock(folder / LOCK_FILE).release)
        draft = folder / LEDGER_FILE
        copy_ledger(file, draft, key)
        connection = connect(draft, key)
        try:
            migrate.migrate(connection)
        finally:
            connection.close()
        yield draft
