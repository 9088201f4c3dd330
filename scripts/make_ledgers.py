"""Make the published sample exports of tests/ledgers: good ones, and bad ones with one thing wrong.

    python scripts/make_ledgers.py [folder]

A real till serves two short days (ledger_story); its export is the good sample. Each bad one is that export (or its
beginning) with one thing changed, signed anew with the sample's keys where somebody who holds them would do so. The
same bytes come out every time; tests/ledgers/index.json says what a checker must find in each.

THE KEYS ARE PUBLIC: ledger_story derives them from words that everybody can read. They prove nothing about any kiosk.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from ewarung_pos import __version__  # noqa: E402 - found only now that the tree is on the path
from ewarung_pos.domain.journal import genesis, link  # noqa: E402
from scripts.ledger_file import Bench, File  # noqa: E402
from scripts.ledger_samples import Sample, against_the_rules, broken, good, misplaced  # noqa: E402
from scripts.ledger_story import CITY, DEVICE, public_of, real_export  # noqa: E402

LEDGERS = ROOT / "tests" / "ledgers"
FORMAT = ROOT / "docs" / "ledger-format.md"


def samples() -> list[Sample]:
    """All of them, good ones first."""
    bodies, written = real_export()
    if File(bodies, app_version=__version__).written() != written:
        msg = "the till exports something else than this script puts together"
        raise AssertionError(msg)
    bench = Bench(bodies)
    parts: tuple[Callable[[Bench], Iterable[Sample]], ...] = (good, broken, misplaced, against_the_rules)
    return [sample for part in parts for sample in part(bench)]


def index(made: Iterable[Sample]) -> bytes:
    """What a checker must find in each, for those who write one."""
    told = {
        "about": "Sample exports. The keys are published in scripts/make_ledgers.py and prove nothing about any kiosk. "
        "Words and places: docs/ledger-format.md. seq 0: the file as a whole.",
        "device_key": public_of(DEVICE),
        "city_key": public_of(CITY),
        "samples": [
            {
                "file": f"{sample.name}.jsonl",
                "about": sample.about,
                "exit": sample.exit_code,
                "findings": [{"seq": seq, "word": word} for word, seq in sample.findings],
            }
            for sample in made
        ],
    }
    return (json.dumps(told, indent=1, ensure_ascii=False) + "\n").encode()


def refreshed(document: str, sample: bytes) -> str:
    """The worked example of the format's description, with the bytes, hashes and signature of this sample."""
    header, *lines, last = sample.splitlines()
    first, trailer = json.loads(header), json.loads(last)
    entries = [line[len(b'{"entry":') : -75].decode() for line in lines]
    head, walked = genesis(first["device"], first["epoch"]), []
    for seq, entry in enumerate(entries, start=1):
        head = link(head, entry.encode())
        walked.append(f"{seq} {head.hex()} True")
    signed = f"export|{first['device']}|{first['epoch']}|1|{len(entries)}|{head.hex()}"
    before, example = document.split("## 9. A worked example", 1)
    example = re.sub(r"The first entry, \d+ bytes", f"The first entry, {len(entries[0])} bytes", example)
    shown = iter((entries[0], entries[2], entries[3]))
    example = re.sub(r"```json\n.*?\n```", lambda _: f"```json\n{next(shown)}\n```", example, flags=re.DOTALL)
    texts = iter(
        ("\n".join((example_seed(example), *walked, "head True", "digest True")), signed, trailer["signature"])
    )
    example = re.sub(r"```text\n.*?\n```", lambda _: f"```text\n{next(texts)}\n```", example, flags=re.DOTALL)
    return f"{before}## 9. A worked example{example}"


def example_seed(example: str) -> str:
    """The line with the seed, which never changes."""
    return next(line for line in example.splitlines() if line.startswith("seed "))


def make(folder: Path) -> None:
    """Write them into that folder."""
    folder.mkdir(parents=True, exist_ok=True)
    made = samples()
    for old in folder.glob("*.jsonl"):
        old.unlink()
    for sample in made:
        (folder / f"{sample.name}.jsonl").write_bytes(sample.content)
    (folder / "index.json").write_bytes(index(made))
    if folder == LEDGERS:
        example = (folder / "good-open-day.jsonl").read_bytes()
        FORMAT.write_text(refreshed(FORMAT.read_text(encoding="utf-8"), example), encoding="utf-8")
    print(f"{len(made)} samples in {folder}")


def main() -> None:
    """Of the command."""
    told = argparse.ArgumentParser(description="Make the published sample exports, good ones and bad ones.")
    told.add_argument("folder", nargs="?", type=Path, default=LEDGERS, help="tests/ledgers without it")
    make(told.parse_args().folder)


if __name__ == "__main__":
    main()
