"""What the sample exports show: sound ones, and ones with one thing wrong (see make_ledgers)."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256

from ewarung_pos.domain.journal import decode, genesis
from ewarung_pos.ledger.export import VERSION, Tally, entry_line
from scripts.ledger_file import Bench, File, canonical
from scripts.ledger_story import CITY, DAY_MS, IDENTITY, Body, ack_text

__all__ = ["Sample", "against_the_rules", "broken", "good", "misplaced"]

Finding = tuple[str, int]


@dataclass(frozen=True)
class Sample:
    """A file, what it shows, and what a checker must find: (word, seq) in order of seq, and its exit code."""

    name: str
    about: str
    content: bytes
    findings: tuple[Finding, ...] = ()
    exit_code: int = 0


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
    about = "A clock that was days ahead was put right, and the day after the sealed one has an earlier date."
    yield Sample("good-after-a-clock-ahead", about, File(_again(bench, sealed, "2026-11-20")).written())


def _again(bench: Bench, sealed: int, date: str) -> list[Body]:
    """Up to a seal; then a leader confirms the clock, and a day of that date begins."""
    confirmed = bench.and_then(sealed, bench.fact("ClockStepped") | {"confirmed": True}, date="")
    opened = confirmed[-1] | {
        "seq": sealed + 2,
        "id": confirmed[-1]["id"][:-4] + "fffe",
        "date": date,
        "fact": bench.fact("DayOpened"),
    }
    return [*confirmed, opened]


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
    altered.lines[operator - 1] = entry_line(canonical(other), altered.hashes[operator])
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
    loose = json.dumps(bench.bodies[operator - 1], sort_keys=True).encode()
    spaced: list[Body | bytes] = [*bench.upto(operator - 1), loose]
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
    yield _bad(
        "cut-at-a-seal",
        "All from a seal on is missing, and its signature stands in the trailer: no key is needed for that.",
        _cut_at(bench, closed),
        ("trailer", 0),
    )
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
    newer.header["version"] = VERSION + 1
    older = File(bench.upto(short))
    older.header["version"] = VERSION - 1
    yield Sample("newer-version", "A later version of the format.", newer.written(), exit_code=2)
    yield _bad("older-version", "An earlier version of the format, which nobody has.", older.written(), ("header", 0))
    yield Sample("not-an-export", "Some other JSON.", b'{"format":"receipts","version":1}\n', exit_code=2)
    yield _bad("another-seed", "The first entry follows another epoch's seed.", seeded.written(), ("header", 0))


def _cut_at(bench: Bench, closed: int) -> bytes:
    """The entries of the day before its seal, and a trailer with what the device signed there."""
    whole = File(bench.bodies)
    seal = json.loads(whole.bodies[closed - 1])["fact"]
    first = seal["totals"]["first_seq"]
    day = File(bench.bodies[first - 1 : closed - 1], prev_hash=whole.hashes[first - 1].hex(), frozen=range(closed))
    return day.written(signature=seal["signature"])


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
    yield _bad(
        "day-opened-again",
        "A day is opened whose date was sealed before.",
        File(_again(bench, after - 1, "2026-11-24")).written(),
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
    yield from _wrong_rights(bench)
    yield from _wrong_seals(bench)


def _wrong_rights(bench: Bench) -> Iterable[Sample]:
    given, granted = bench.seq("Surrendered"), bench.seq("RightsGranted")
    lease = bench.fact("Surrendered")["leases"][0]
    yield _bad(
        "surrendered-more-than-was-left",
        "15 kg are given back of a lease of 10 kg.",
        File(bench.changed(given, given, leases=[[*lease[:-1], 15_000]])).written(),
        ("surrendered", given),
    )
    yield _bad(
        "surrendered-less-than-before",
        "A surrender whose total is lower than the one before.",
        File(bench.and_then(given, bench.fact("Surrendered") | {"leases": [[*lease[:-1], 4000]]})).written(),
        ("surrendered", given + 1),
    )
    yield _bad(
        "grant-not-signed",
        "Rights that the city did not sign.",
        File(bench.changed(granted, granted, signature="00" * 64), frozen=(granted,)).written(),
        ("grant_signature", granted),
    )
    allowed = bench.seq("HardshipAllowed")
    yield _bad(
        "pool-without-a-word",
        "Taken from the hardship pool by a leader's word for another receipt.",
        File(bench.changed(allowed, allowed + 1, receipt=99)).written(),
        ("not_allowed", allowed + 1),
    )


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
