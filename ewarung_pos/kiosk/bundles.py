"""The city's messages in files, by command: one out beside a till that serves, and the reply in while it is closed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from ewarung_pos.clock import SystemClock
from ewarung_pos.errors import ConfigError
from ewarung_pos.kiosk.directory import ledger_directory
from ewarung_pos.kiosk.passphrase import person
from ewarung_pos.ledger.engine import LEDGER_FILE
from ewarung_pos.ledger.keys import key_of

__all__ = ["export_bundle", "import_bundle"]


def export_bundle(data_dir: str | None, out: Path, first_seq: int) -> dict[str, Any]:
    """Write what waits for the city into one file; JSON-ready.

    Args:
        data_dir: the command's option.
        out: a file that is not there yet, or a folder that gets it under its usual name.
        first_seq: begin no later than there; 0 begins after the last acknowledged entry, or where the city asked for.

    Raises:
        PosError: nothing was written.
    """
    from ewarung_pos.ledger.restore import LedgerFile
    from ewarung_pos.sync.bundle_file import file_name, keep
    from ewarung_pos.sync.stick import notes_in, outgoing_bundle

    _, folder = ledger_directory(data_dir)
    notes = notes_in(folder)
    if first_seq:
        notes = msgspec.structs.replace(notes, resend_from=first_seq)
    with LedgerFile(folder / LEDGER_FILE, key_of(folder, person()).secret) as reader:
        made = outgoing_bundle(reader, SystemClock(), notes)
    path = out / file_name(made.header) if out.is_dir() else out
    try:
        keep(path, made.data, replace=out.is_dir())
    except FileExistsError as error:
        raise ConfigError(f"{path}", reason="export_exists") from error
    header = made.header
    return {
        "path": str(path),
        "device": header.device,
        "epoch": header.epoch,
        "first_seq": header.first_seq,
        "last_seq": header.last_seq,
        "size": len(made.data),
        "left": made.left,
    }


def import_bundle(data_dir: str | None, file: Path) -> dict[str, Any]:
    """Take the city's file; JSON-ready.

    Returns:
        `sent` (entries that the city acknowledged), `received`, `unsent`, `flagged`, `attested`, `resend_from`, and
        `code` and `reason` of what the city said against it.

    Raises:
        PosError: nothing of it was used, or the rest of it can be taken again.
    """
    from ewarung_pos.ledger.database import open_ledger
    from ewarung_pos.sync.stick import Stick

    _, folder = ledger_directory(data_dir)
    clock = SystemClock()
    ledger = open_ledger(folder, key_of(folder, person()).secret, clock)
    try:
        fetched = Stick(ledger, clock, folder).take(file.resolve())
    finally:
        ledger.close()
    built: dict[str, Any] = msgspec.to_builtins(fetched.report)
    names = ("sent", "received", "unsent", "flagged", "attested", "code", "reason")
    return {name: built[name] for name in names} | {"resend_from": fetched.resend_from}
