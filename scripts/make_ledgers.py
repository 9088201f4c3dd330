"""Make the published sample exports of tests/ledgers: good ones, and bad ones with one thing wrong.

    python scripts/make_ledgers.py [folder]

A real till serves two short days (ledger_story); its export is the good sample. Each bad one is that export (or its
beginning) with one thing changed, signed anew with the sample's keys where somebody who holds them would do so. The
same bytes come out every time; tests/ledgers/index.json says what a checker must find in each.

THE KEYS ARE PUBLIC: ledger_story derives them from words that everybody can read. They prove nothing about any kiosk.
"""

from __future__ import annotations

import copy
import json
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from ewarung_pos import __version__  # noqa: E402 - found only now that the tree is on the path
from ewarung_pos.domain.journal import decode, genesis, link  # noqa: E402
from ewarung_pos.ledger.export import Tally, entry_line  # noqa: E402
from scripts.ledger_story import (  # noqa: E402
    APP_VERSION,
    CITY,
    DAY_MS,
    DEVICE,
    IDENTITY,
    Body,
    ack_text,
    public_of,
    real_export,
)

LEDGERS = ROOT / "tests" / "ledgers"
FORMAT = ROOT / "docs" / "ledger-format.md"

# --- files from bodies ----------------------------------------------------------------------------------------------


def _json(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


class File:
    """An export that is put together by hand.

    Args:
        bodies: entries, or their bytes where these are to be wrong.
        frozen: places whose seal or acknowledgement is left as it is, not signed anew.
        app_version: of the header.
        prev_hash: what the first of them follows; the seed of the epoch if empty.
    """

    def __init__(
        self,
        bodies: Sequence[Body | bytes],
        *,
        frozen: Iterable[int] = (),
        app_version: str = APP_VERSION,
        prev_hash: str = "",
    ) -> None:
        first = json.loads(bodies[0])["seq"] if isinstance(bodies[0], bytes) else bodies[0]["seq"]
        seed = prev_hash or genesis(IDENTITY.device, IDENTITY.epoch).hex()
        self.header: dict[str, Any] = {
            "app_version": app_version,
            "city_key": public_of(CITY),
            "device": IDENTITY.device,
            "device_key": public_of(DEVICE),
            "epoch": IDENTITY.epoch,
            "first_seq": first,
            "format": "ewarung-ledger",
            "prev_hash": seed,
            "version": 1,
        }
        self.hashes: dict[int, bytes] = {first - 1: bytes.fromhex(seed)}
        self.bodies: list[bytes] = []
        self.lines: list[bytes] = []
        self.tally = Tally()
        self.last_seq = first - 1
        for body in bodies:
            self._add(body, set(frozen))
        self.trailer: dict[str, Any] = {}

    def _add(self, body: Body | bytes, frozen: set[int]) -> None:
        told = json.loads(body) if isinstance(body, bytes) else copy.deepcopy(body)
        head = self.hashes[self.last_seq]
        if told["seq"] not in frozen and not isinstance(body, bytes):
            self._sign(told, head)
        raw = body if isinstance(body, bytes) else _json(told)
        digest = link(head, raw)
        self.last_seq = told["seq"]
        self.hashes[self.last_seq] = digest
        self.bodies.append(raw)
        self.lines.append(entry_line(raw, digest))
        try:
            self.tally.add(decode(raw).fact)
        except ValueError:
            self.tally.count(told["fact"]["kind"])

    def _sign(self, told: Body, head: bytes) -> None:
        fact, who = told["fact"], (told["device"], told["epoch"])
        if fact["kind"] == "DayClosed":
            span = f"{fact['totals']['first_seq']}|{told['seq'] - 1}|{head.hex()}"
            fact["head"] = head.hex()
            fact["signature"] = DEVICE.sign(f"{who[0]}|{who[1]}|{span}".encode()).hex()
        elif fact["kind"] == "CityAcknowledged" and fact["acked_seq"] in self.hashes:
            fact["acked_hash"] = self.hashes[fact["acked_seq"]].hex()
            text = ack_text(*who, fact["acked_seq"], fact["acked_hash"], fact["server_ms"], fact["flagged"])
            fact["signature"] = CITY.sign(text).hex()

    def written(self, **trailer: object) -> bytes:
        """The file; words given here stand in its trailer instead of the right ones."""
        before = _json(self.header) + b"\n" + b"".join(self.lines)
        head = self.hashes[self.last_seq].hex()
        who = f"{self.header['device']}|{self.header['epoch']}|{self.header['first_seq']}"
        signature = DEVICE.sign(f"{who}|{self.last_seq}|{head}".encode()).hex()
        ours = msgspec.to_builtins(self.tally.trailer(sha256(before).hexdigest(), self.last_seq, head, signature))
        return before + _json(ours | trailer) + b"\n"


# --- the samples ----------------------------------------------------------------------------------------------------

Finding = tuple[str, int]


@dataclass(frozen=True)
class Sample:
    """A file, what it shows, and what a checker must find: (word, seq) in order of seq, and its exit code."""

    name: str
    about: str
    content: bytes
    findings: tuple[Finding, ...] = ()
    exit_code: int = 0


class Bench:
    """Bodies of the good export, and ways to change them."""

    def __init__(self, bodies: list[Body]) -> None:
        self.bodies = bodies

    def seq(self, kind: str, which: int = 0) -> int:
        """Place of an entry of a kind."""
        return [body["seq"] for body in self.bodies if body["fact"]["kind"] == kind][which]  # type: ignore[no-any-return]

    def upto(self, seq: int) -> list[Body]:
        """A copy of the first so many."""
        return copy.deepcopy(self.bodies[:seq])

    def changed(self, seq: int, upto: int | None = None, **fact: object) -> list[Body]:
        """A copy in which one fact says something else."""
        bodies = self.upto(upto or len(self.bodies))
        bodies[seq - 1]["fact"].update(fact)
        return bodies

    def with_field(self, seq: int, upto: int | None = None, **field: object) -> list[Body]:
        """A copy in which one entry says something else of itself."""
        bodies = self.upto(upto or len(self.bodies))
        bodies[seq - 1].update(field)
        return bodies

    def and_then(self, upto: int, fact: Body, **field: object) -> list[Body]:
        """The first so many, and one more a second later."""
        bodies = self.upto(upto)
        last = bodies[-1]
        more = {
            "seq": upto + 1,
            "id": last["id"][:-4] + "ffff",
            "instant": last["instant"] + 1000,
            "monotonic": last["monotonic"] + 1000,
            "fact": fact,
        }
        return [*bodies, last | more | field]

    def fact(self, kind: str, which: int = 0) -> Body:
        """A copy of one."""
        return copy.deepcopy(self.bodies[self.seq(kind, which) - 1]["fact"])


def good(bench: Bench) -> Iterable[Sample]:
    """Sound files."""
    whole = File(bench.bodies)
    yield Sample("good-two-days", "Two days with an entry of every kind.", whole.written())
    begun = bench.seq("DayOpened", 1)
    yield Sample("good-open-day", "The first morning; its day is still open.", File(bench.upto(9)).written())
    yield Sample("good-from-the-second-day", f"Exported with --from {begun}.", _tail(bench, whole, begun).written())
    inside = bench.seq("Reversed")
    about = f"Exported with --from {inside}, in the middle of a day: what it reverses came earlier."
    yield Sample("good-from-within-a-day", about, _tail(bench, whole, inside).written())
    sealed = bench.seq("DayClosed")
    yield Sample("good-from-a-seal", f"Exported with --from {sealed}.", _tail(bench, whole, sealed).written())


def _tail(bench: Bench, whole: File, first: int) -> File:
    """The entries from one on, signed as they were."""
    frozen = range(first, len(bench.bodies) + 1)
    return File(bench.bodies[first - 1 :], prev_hash=whole.hashes[first - 1].hex(), frozen=frozen)


def broken(bench: Bench) -> Iterable[Sample]:
    """The chain, its bytes and its signatures."""
    short = 9
    operator = bench.seq("OperatorChanged")
    without = File(bench.upto(short))
    del without.lines[operator - 1]
    yield _bad("entry-removed", "An entry taken out.", _recount(without), ("gap", operator))
    altered = File(bench.upto(short))
    other = bench.with_field(operator, short, operator="yuni")[operator - 1]
    altered.lines[operator - 1] = entry_line(_json(other), altered.hashes[operator])
    yield _bad("entry-altered", "An entry altered; the hashes are as they were.", altered.written(), ("hash", operator))
    delivery, ack = bench.seq("StockReceived"), bench.seq("CityAcknowledged")
    closed = bench.seq("DayClosed")
    acked = bench.bodies[ack - 1]["fact"]["acked_seq"]
    anew = File(bench.changed(delivery, closed, note_number="SJ-99/11"), frozen=(ack, closed))
    good_end = File(bench.upto(closed))
    signed = json.loads(good_end.written().splitlines()[-1])["signature"]
    yield _bad(
        "entry-altered-and-chained-anew",
        "An entry altered and every hash after it made anew, by somebody who has no key.",
        anew.written(signature=signed),
        ("acknowledged", acked),
        ("seal", closed),
        ("trailer", 0),
    )
    spaced = [*bench.upto(operator - 1), json.dumps(bench.bodies[operator - 1], sort_keys=True).encode()]
    yield _bad("not-canonical", "An entry with spaces in its bytes.", File(spaced).written(), ("canonical", operator))
    wrong = bench.changed(closed, closed, signature="00" * 64)
    yield _bad(
        "seal-not-signed",
        "A day's seal with another signature.",
        File(wrong, frozen=[closed]).written(),
        ("seal", closed),
    )
    torn = File(bench.upto(short))
    yield _bad(
        "trailer-not-signed", "A trailer with another signature.", torn.written(signature="00" * 64), ("trailer", 0)
    )
    cut = torn.written()
    yield _bad("cut-off", "The second half is missing.", cut[: cut.index(b"\n", len(cut) // 2) + 1], ("trailer", 0))
    unsigned = bench.changed(ack, ack, signature="00" * 64)
    yield _bad(
        "acknowledgement-not-signed",
        "An acknowledgement that the city did not sign.",
        File(unsigned, frozen=[ack]).written(),
        ("ack_signature", ack),
    )
    claim = bench.fact("CityAcknowledged") | {"acked_hash": sha256(b"another entry").hexdigest()}
    text = ack_text(IDENTITY.device, 1, acked, claim["acked_hash"], claim["server_ms"], ())
    claim["signature"] = CITY.sign(text).hex()
    yield _bad(
        "acknowledgement-of-another-entry",
        "The city acknowledged another entry under this number.",
        File(bench.changed(ack, ack, **claim), frozen=[ack]).written(),
        ("acknowledged", acked),
    )
    seeded = File(bench.upto(short), prev_hash=genesis(IDENTITY.device, 2).hex())
    newer = File(bench.upto(short))
    newer.header["version"] = 2
    yield Sample("newer-version", "A later version of the format.", newer.written(), exit_code=2)
    yield Sample("not-an-export", "Some other JSON.", b'{"format":"receipts","version":1}\n', exit_code=2)
    yield _bad("another-seed", "The first entry follows another epoch's seed.", seeded.written(), ("header", 0))


def misplaced(bench: Bench) -> Iterable[Sample]:
    """Entries that do not belong where they stand."""
    short = 9
    operator = bench.seq("OperatorChanged")
    yield _bad(
        "two-devices",
        "An entry of another device.",
        File(bench.with_field(operator, short, device="EW-0009")).written(),
        ("identity", operator),
    )
    yield _bad(
        "two-epochs",
        "An entry of another epoch.",
        File(bench.with_field(operator, short, epoch=2)).written(),
        ("identity", operator),
    )
    yield _bad(
        "enrolled-twice",
        "A second enrolment in one epoch.",
        File(bench.and_then(short, bench.fact("KioskEnrolled"))).written(),
        ("not_first", short + 1),
    )
    yield _bad(
        "same-identifier",
        "Two entries with one identifier.",
        File(bench.with_field(short, short, id=bench.bodies[operator - 1]["id"])).written(),
        ("duplicate_id", short),
    )
    yield _bad(
        "unknown-kind",
        "A kind of fact that the format does not have.",
        File(bench.changed(operator, short, kind="OperatorPraised")).written(),
        ("kind", operator),
    )
    lacking = bench.upto(short)
    del lacking[operator - 1]["fact"]["change"]
    yield _bad("field-missing", "A fact without one of its fields.", File(lacking).written(), ("payload", operator))
    late = bench.bodies[short - 1]
    back = late["instant"] - 3_600_000
    yield _bad(
        "clock-set-back",
        "The wall clock went back an hour in one boot, and no entry says so.",
        File(bench.with_field(short, short, instant=back)).written(),
        ("clock", short),
    )
    yield _bad(
        "clock-set-forward",
        "The wall clock jumped a day in one boot, and no entry says so.",
        File(bench.with_field(short, short, instant=late["instant"] + DAY_MS)).written(),
        ("clock", short),
    )
    yield _bad(
        "boot-clock-set-back",
        "The clock that counts from the machine's start went back in one boot.",
        File(bench.with_field(short, short, monotonic=1000)).written(),
        ("clock", short),
    )
    yield _bad(
        "clock-back-after-a-start",
        "After the machine was started again its clock was a day behind.",
        File(
            bench.with_field(short, short, instant=late["instant"] - DAY_MS, boot="another", monotonic=1000)
        ).written(),
        ("clock", short),
    )
    after = bench.seq("DayClosed") + 1
    served = bench.fact("ReceiptPrinted") | {"copy": 2}
    yield _bad(
        "outside-a-day",
        "Something is recorded for the business day after it was sealed.",
        File(bench.and_then(after, served, date="2026-11-24")).written(),
        ("day", after + 1),
    )


def against_the_rules(bench: Bench) -> Iterable[Sample]:
    """Rights, receipts, stock, and what the day's seal says of them. Everything is signed: the till itself did it."""
    first, back = bench.seq("Redeemed"), bench.seq("Reversed")
    receipt = bench.fact("Redeemed")["receipt"]
    taken = bench.fact("Redeemed")
    rice = next(line for line in taken["lines"] if line["commodity"] == "beras")
    debit = next(debit for debit in taken["debits"] if debit["commodity"] == "beras")
    twice = rice | {"packs": 2, "amount": 10_000}
    again = taken | {
        "receipt": receipt + 1,
        "lines": [twice],
        "debits": [debit | {"amount": 10_000}],
    }
    yield _bad(
        "overspent",
        "A family is handed 15 kg of rice on a lease of 10 kg.",
        File(bench.and_then(first, again)).written(),
        ("overdrawn", first + 1),
    )
    undone = bench.fact("Reversed")
    more = copy.deepcopy(undone)
    for line in more["lines"]:
        if line["tender"] == "ration":
            line |= {"packs": 3, "amount": 15_000}
    more["debits"] = [item | {"amount": 15_000} for item in more["debits"]]
    yield _bad(
        "reversed-more-than-redeemed",
        "A reversal gives back 15 kg of which 5 were handed out.",
        File(bench.changed(back, back, **more)).written(),
        ("returned_more", back),
    )
    second = undone | {"receipt": undone["receipt"] + 1, "lines": [], "debits": []}
    yield _bad(
        "reversed-twice",
        "A redemption is reversed a second time.",
        File(bench.and_then(back, second)).written(),
        ("reversed_twice", back + 1),
    )
    other = copy.deepcopy(undone)
    other["lines"] = other["lines"][:1]
    yield _bad(
        "reversal-of-other-goods",
        "A reversal that does not repeat what it undoes.",
        File(bench.changed(back, back, **other)).written(),
        ("reversal", back),
    )
    yield _bad(
        "receipt-missing",
        "Receipt numbers leave one out.",
        File(bench.changed(first, first, receipt=receipt + 1)).written(),
        ("receipt_gap", first),
    )
    cash = rice | {"tender": "cash", "programme": "", "packs": 20, "amount": 100_000}
    nowhere = taken | {"receipt": receipt + 1, "lines": [cash], "debits": []}
    yield _bad(
        "stock-below-zero",
        "Twenty sacks sold of twelve.",
        File(bench.and_then(first, nowhere)).written(),
        ("stock_below_zero", first + 1),
    )
    less = taken | {"receipt": receipt + 1, "lines": [rice | {"packs": 0, "amount": 0}]}
    less["debits"] = [debit | {"amount": 0}]
    yield _bad(
        "nothing-at-all",
        "A redemption of no sack.",
        File(bench.and_then(first, less)).written(),
        ("amount", first + 1),
    )
    half = taken | {"receipt": receipt + 1, "lines": [rice], "debits": [debit | {"amount": 2500}]}
    yield _bad(
        "rights-not-those-of-the-goods",
        "5 kg handed out as ration, 2.5 kg taken from the lease.",
        File(bench.and_then(first, half)).written(),
        ("debits", first + 1),
    )
    yield from _wrong_seals(bench)


def _wrong_seals(bench: Bench) -> Iterable[Sample]:
    closed, counted = bench.seq("DayClosed"), bench.seq("StockCounted")
    totals = bench.fact("DayClosed")["totals"]
    yield _bad(
        "day-totals",
        "A seal that states one redemption more than its day has.",
        File(bench.changed(closed, closed, totals=totals | {"redemptions": totals["redemptions"] + 1})).written(),
        ("totals", closed),
    )
    count = bench.fact("DayClosed")["count"]
    yield _bad(
        "day-count",
        "A seal whose count is not the one that was made.",
        File(bench.changed(closed, closed, count=[count[0] | {"counted": 1}, *count[1:]])).written(),
        ("count", closed),
    )
    edc = {"amount": 20_000, "batch": "000007", "explanation": ""}
    yield _bad(
        "terminal-differs",
        "The terminal's total differs from the day's, and nobody explained it.",
        File(bench.changed(closed, closed, edc=edc)).written(),
        ("edc", closed),
    )
    lines = bench.fact("StockCounted")["lines"]
    yield _bad(
        "count-beside-another-book",
        "A count that names another book stock than the entries give.",
        File(bench.changed(counted, counted, lines=[lines[0] | {"booked": 99}, *lines[1:]])).written(),
        ("booked", counted),
    )
    end = File(bench.upto(9))
    told = json.loads(end.written().splitlines()[-1])
    products = [told["products"][0] | {"received": 11}, *told["products"][1:]]
    yield _bad("trailer-totals", "A trailer that adds up otherwise.", end.written(products=products), ("trailer", 0))
    counts = told["counts"] | {"Redeemed": 0}
    yield _bad("trailer-counts", "A trailer that counts otherwise.", end.written(counts=counts), ("trailer", 0))


def _recount(file: File) -> bytes:
    """The file with a trailer for the lines that are left in it."""
    left = Tally()
    for line in file.lines:
        left.add(decode(line[9:-76]).fact)
    file.tally = left
    return file.written()


def _bad(name: str, about: str, content: bytes, *findings: Finding) -> Sample:
    return Sample(name, about, content, tuple(sorted(findings, key=lambda found: (found[1], found[0]))), 1)


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
    signed = f"{first['device']}|{first['epoch']}|1|{len(entries)}|{head.hex()}"
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


def main(folder: Path) -> None:
    """Write them."""
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


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else LEDGERS)
