"""`report pdp`: whose data this device holds, on paper and as a table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from ewarung_pos.app import backup_directory
from ewarung_pos.clock import SystemClock
from ewarung_pos.domain.breach import breach_csv, breach_paper, day_of_list, file_stem
from ewarung_pos.kiosk.directory import kiosk_directory
from ewarung_pos.kiosk.passphrase import person

__all__ = ["report_held_data"]

PAPERS = "papers"
"""In the data directory: where papers go that nobody else was told to take."""


def report_held_data(data_dir: str | None, out: str | None) -> dict[str, Any]:
    """Whose data this device holds, as CSV and PDF; works beside a running till.

    Copies and archived epochs count: they name people who have left the register since. So do earlier lists in `papers`
    of the data directory, which lie there in the clear: they are counted and named.

    Args:
        data_dir: the command's option.
        out: directory for the files; `papers` of the data directory if none.

    Returns:
        Figures and paths, no names; JSON-ready.

    Raises:
        PosError: the ledger cannot be read.
        OSError: the files cannot be written.
    """
    from ewarung_pos.devices.durable import replace_durably
    from ewarung_pos.devices.pdf import sheet_bytes
    from ewarung_pos.ledger.inventory import take_inventory
    from ewarung_pos.ledger.restore import ARCHIVE

    config, folder = kiosk_directory(data_dir)
    inventory = take_inventory(
        folder, SystemClock().now().wall, person(), (folder / ARCHIVE, backup_directory(config, folder))
    )
    earlier = sorted(filter(None, map(day_of_list, _names(folder / PAPERS))))
    inventory = msgspec.structs.replace(inventory, lists=len(earlier), oldest_list=earlier[0] if earlier else "")
    directory = Path(out) if out else folder / PAPERS
    directory.mkdir(parents=True, exist_ok=True)
    table, paper = (directory / f"{file_stem(inventory)}.{kind}" for kind in ("csv", "pdf"))
    replace_durably(table, breach_csv(inventory).encode())
    replace_durably(paper, sheet_bytes(breach_paper(inventory)))
    return {
        "device": inventory.device,
        "families": len(inventory.families),
        "people": len(inventory.people),
        "unread": inventory.unread,
        "lists": inventory.lists,
        "oldest_list": inventory.oldest_list,
        "lists_in": str(folder / PAPERS),
        "key_tier": inventory.key_tier,
        "contact_ms": inventory.contact_ms,
        "head_seq": inventory.head_seq,
        "head_hash": inventory.head_hash,
        "notice_before": inventory.deadline.local().isoformat(timespec="minutes"),
        "csv": str(table),
        "pdf": str(paper),
    }


def _names(folder: Path) -> list[str]:
    return [file.name for file in folder.iterdir()] if folder.is_dir() else []
