"""What can be done to a ledger by somebody who knows its key: each drawing is one edit, from a seed."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from argon2 import PasswordHasher

from ewarung_pos.domain.journal import ClockStepped, Entry, Redeemed, Reversed, StockReceived, canonical, link
from ewarung_pos.domain.pins import OwnHash, origin_of, own_hash
from ewarung_pos.domain.timeline import ClockMemory
from ewarung_pos.ledger import guards
from ewarung_pos.ledger.engine import _opened
from ewarung_pos.ledger.tip import CLOCK
from tests.torture import forger
from tests.torture.tamper_sample import KEY, WHO, Sample, serve_with, signs_in

__all__ = ["INDEXES", "TABLES", "Draws", "Edit", "Hand", "take_guards_away"]

Connection = Any

TABLES = (
    "ledger_entry",
    "goods_movement",
    "receipt_paper",
    "lease",
    "stock",
    "purse_credit",
    "purse_spent",
    "business_day",
    "city_state",
    "print_job",
    "attempt",
    "register_family",
    "register_card",
    "reference",
    "operator",
    "setting",
    "secret",
    "identity",
    "pin_failure",
    "alembic_version",
)
_FORGOTTEN = msgspec.json.encode(ClockMemory()).decode()
INDEXES = (
    "ix_attempt_open",
    "ix_ledger_entry_acknowledged",
    "ix_ledger_entry_family",
    "ix_print_job_owed",
    "ix_receipt_paper_entry",
    "uq_ledger_entry_receipt",
    "uq_ledger_entry_reverses",
)
_CARELESS = (
    ("journal_mode", "MEMORY", "memory"),
    ("synchronous", "OFF", 0),
    ("foreign_keys", "OFF", 0),
    ("ignore_check_constraints", "ON", 1),
)
_MOVED = ("goods_movement", "receipt_paper")


@dataclass(frozen=True)
class Edit:
    """One thing that somebody did to the file.

    Attributes:
        kind: a row of the table that the run prints.
        what: tells edits of a kind apart.
        apply: does it, on a connection without guards, inside a transaction.
        seq: entry that `verify` must name as the first bad one; None where there is none, or it cannot be foreseen.
        excuse: why it may survive, a word of `RESIDUE`; empty if it may not.
        guarded: put the guards back afterwards, as if nothing had happened.
        file: edits the bytes of the file instead, or lets the till do its part between two edits.
        pin: member and PIN that the till must refuse afterwards, whoever else finds nothing.
    """

    kind: str
    what: str
    apply: Callable[[Connection], None] = lambda _: None
    seq: int | None = None
    excuse: str = ""
    guarded: bool = True
    file: Callable[[Path], None] | None = None
    pin: tuple[str, str] | None = None


class Draws:
    """Draws edits of the sample's main ledger.

    Args:
        sample: whose ledgers these are.
        open_file: the main ledger without its guards.
        seed: the same edits in the same order.
    """

    def __init__(self, sample: Sample, open_file: Path, seed: int) -> None:
        self._sample = sample
        self._rng = random.Random(seed)
        with Hand(open_file) as connection:
            self._rows = {table: connection.execute(f"SELECT * FROM {table}").fetchall() for table in TABLES}
            self._columns = {table: connection.execute(f"PRAGMA table_xinfo({table})").fetchall() for table in TABLES}
            self._entries = forger.entries_of(connection)
        with Hand(sample.other) as connection:
            self._theirs = connection.execute("SELECT * FROM ledger_entry ORDER BY seq").fetchall()
        with ExitStack() as stack:
            files = (*(image for _, image, _ in sample.images), sample.main)
            self._kept = forger.kept_of([stack.enter_context(Hand(file)) for file in files])
        self._acked = self._rows["city_state"][0][1]

    # -- what there is to do -----------------------------------------------------------------------------------------

    def kinds(self) -> list[tuple[int, Callable[[], Edit | None]]]:
        """(share, drawer) of each kind."""
        cells = {"ledger_entry": 80, "goods_movement": 70, "lease": 40, "attempt": 40, "print_job": 40}
        cells |= {"register_family": 40, "receipt_paper": 25, "register_card": 25}
        shares = [(cells.get(table, 14), self._drawer(table)) for table in TABLES]
        return [
            (200, self._payload_bit),
            (90, self._hash_bit),
            *shares,
            (60, self._deleted_row),
            (50, self._copied_row),
            (15, self._deleted_entries),
            (7, self._cut_tail),
            (40, self._swapped),
            (40, self._inserted),
            (30, self._from_the_other_kiosk),
            (40, self._rechained),
            (25, self._rewritten),
            (7, self._cut_without_a_seam),
            (20, self._altered_schema),
            (60, self._file_bit),
            (2, self._chosen_pin),
        ]

    def _entry(self) -> tuple[Any, ...]:
        row: tuple[Any, ...] = self._rng.choice(self._rows["ledger_entry"])
        return row

    def _payload_bit(self) -> Edit:
        row = self._entry()
        body = _flipped(row[8], bit := self._rng.randrange(len(row[8]) * 8))
        return Edit("bit of a payload", f"{row[0]}:{bit}", _set("ledger_entry", "payload", body, row[0]), row[0])

    def _hash_bit(self) -> Edit:
        row, at, bit = self._entry(), self._rng.choice((9, 10)), self._rng.randrange(256)
        column = "prev_hash" if at == 9 else "hash"
        change = _set("ledger_entry", column, _flipped(row[at], bit), row[0])
        return Edit("bit of a hash", f"{row[0]}:{column}:{bit}", change, row[0])

    def _file_bit(self) -> Edit:
        bit = self._rng.randrange(self._sample.main.stat().st_size * 8)

        def flip(file: Path) -> None:
            file.write_bytes(_flipped(file.read_bytes(), bit))

        return Edit("bit of the file, without the key", str(bit), file=flip)

    def _chosen_pin(self) -> Edit:
        """The city's form of a PIN of one's own, of which the till makes its own; that takes the real one's name."""
        code, pin = "siti", f"{self._rng.randrange(10**6):06d}"
        (kept,) = (row[3] for row in self._rows["operator"] if row[0] == code)

        def give(file: Path) -> None:
            with Hand(file) as connection:
                sent = PasswordHasher(1, 8, 1).hash(pin)
                connection.execute("UPDATE operator SET pin_hash = ? WHERE code = ?", (sent, code))
                connection.execute("DELETE FROM pin_failure WHERE code = ?", (code,))  # nor does she wait
            assert signs_in(file, code, pin, self._sample.clock)
            with Hand(file) as connection:
                row = connection.execute("SELECT pin_hash FROM operator WHERE code = ?", (code,)).fetchone()
                made = own_hash(row[0])
                assert made is not None
                renamed = str(OwnHash(made.pepper, origin_of(kept), made.encoded))
                connection.execute("UPDATE operator SET pin_hash = ? WHERE code = ?", (renamed, code))

        return Edit("PIN of one's own choice", pin, file=give, excuse="own PIN", pin=(code, pin))

    # -- cells and rows ----------------------------------------------------------------------------------------------

    def _drawer(self, table: str) -> Callable[[], Edit | None]:
        return lambda: self._cell(table)

    def _cell(self, table: str) -> Edit | None:
        row = self._rng.choice(self._rows[table])
        at = self._rng.randrange(len(row))
        _, name, kind, not_null, *_ = self._columns[table][at]
        value = self._mutated(row[at], kind, [other[at] for other in self._rows[table]], nullable=not not_null)
        if value == row[at] and type(value) is type(row[at]):
            return None
        seq = row[0] if table in ("ledger_entry", *_MOVED) and name != "seq" else None
        where, key = self._key(table, row)

        def apply(connection: Connection) -> None:
            done = connection.execute(f"UPDATE {table} SET {name} = ? WHERE {where}", (value, *key))
            assert done.rowcount == 1

        what = f"{table} {key} {name}={value!r}"
        return Edit(f"cell of {table}", what, apply, seq, self._excuse(table, name, row, value))

    def _mutated(self, value: Any, kind: str, others: list[Any], *, nullable: bool) -> Any:
        rng = self._rng
        if nullable and rng.random() < 0.1:
            return None
        if kind == "INTEGER":
            held = value if value is not None else 0
            near = (held + 1, held - 1, 0, 1, -held, held ^ (1 << rng.randrange(30)), held + rng.randrange(10**6))
            return rng.choice((*near, rng.choice([other for other in others if other is not None] or [7])))
        if kind == "BLOB":
            blobs = (_flipped(value, rng.randrange(len(value) * 8)), value[:-1], value + b" ", b"", rng.choice(others))
            return rng.choice(blobs[:1] * 4 + blobs[1:])
        text = value if value is not None else ""
        at = rng.randrange(len(text)) if text else 0
        letter = chr(rng.randrange(33, 127))
        ways = (text[:at] + letter + text[at + 1 :], text + letter, text[:-1], text.swapcase(), "")
        return rng.choice((*ways[:1] * 3, *ways[1:], rng.choice(others)))

    def _key(self, table: str, row: tuple[Any, ...]) -> tuple[str, tuple[Any, ...]]:
        """Condition and values that single out this row."""
        keys = [(name, row[at]) for at, (_, name, _, _, _, key, _) in enumerate(self._columns[table]) if key]
        return " AND ".join(f"{name} = ?" for name, _ in keys), tuple(value for _, value in keys)

    def _excuse(self, table: str, name: str, row: tuple[Any, ...], value: Any) -> str:
        if table == "print_job" and name == "tries" and isinstance(value, int) and value >= row[7]:
            return "tries"
        if table == "pin_failure" and name == "failures" and isinstance(value, int):
            return "pin count" if value > 0 and (value >= 5) is (row[1] >= 5) else ""
        if table == "pin_failure" and name == "code" and row[1] < 5:
            return "pin count" if value in {person[0] for person in self._rows["operator"]} else ""
        if table == "setting" and name == "value" and row[0].startswith("attested:") and isinstance(value, str):
            return "city's word" if value.startswith("agrees ") and value[7:72] == row[1][7:72] else ""
        if table == "setting" and name == "value" and row[0] == CLOCK:
            return "city's time" if _same_but_city(row[1], value) else ""
        if table == "operator" and name == "pin_hash" and isinstance(value, str):
            own = own_hash(value)
            return "own PIN" if own is not None and own_hash(row[3]) and own.origin == origin_of(row[3]) else ""
        return ""

    def _deleted_row(self) -> Edit:
        table = self._rng.choice([table for table in TABLES if table != "ledger_entry"])
        row = self._rng.choice(self._rows[table])
        where, key = self._key(table, row)
        excuse = ""
        if table == "print_job" and row[0] % 1000 and not row[7]:
            excuse = "owed copy"
        if table == "pin_failure" and row[1] < 5:
            excuse = "pin count"
        if table == "setting" and row[0] == CLOCK and _same_but_city(row[1], _FORGOTTEN):
            excuse = "city's time"

        def apply(connection: Connection) -> None:
            connection.execute(f"DELETE FROM {table} WHERE {where}", key)

        seq = row[0] if table in _MOVED else None
        return Edit("row deleted", f"{table} {key}", apply, seq, excuse)

    def _copied_row(self) -> Edit | None:
        """A row that was not there: one of the others under another key, or wholly a second one where one belongs."""
        table = self._rng.choice([table for table in TABLES if table != "ledger_entry"])
        row = list(self._rng.choice(self._rows[table]))
        for at, (_, _, kind, not_null, _, key, _) in enumerate(self._columns[table]):
            if key or self._rng.random() < 0.15:
                row[at] = self._mutated(row[at], kind, [row[at]], nullable=not not_null)
        excuse = ""
        if table == "print_job" and row[0] % 1000 and not row[7] and row[4] == row[0] % 1000:
            excuse = "owed copy"
        if table == "pin_failure" and row[0] in {person[0] for person in self._rows["operator"]} and 0 < row[1] < 5:
            excuse = "pin count"

        def apply(connection: Connection) -> None:
            marks = ", ".join("?" * len(row))
            connection.execute(f"INSERT INTO {table} VALUES ({marks})", row)

        return Edit("row inserted", f"{table} {row}", apply, None, excuse)

    # -- entries -----------------------------------------------------------------------------------------------------

    def _deleted_entries(self) -> Edit:
        first = self._rng.randrange(1, len(self._entries))
        last = min(len(self._entries) - 1, first + self._rng.choice((0, 0, 1, 3, 10)))
        change = f"DELETE FROM ledger_entry WHERE seq BETWEEN {first} AND {last}"
        return Edit("entries deleted", f"{first}-{last}", lambda c: c.execute(change), first)

    def _cut_tail(self) -> Edit:
        """Nothing but the entries: what they moved is left behind."""
        last = self._rng.randrange(1, len(self._entries))
        change = f"DELETE FROM ledger_entry WHERE seq > {last}"
        gone = self._entries[last:]
        excuse = "" if any(_moves(entry) for entry in gone) else "unacknowledged"
        return Edit("tail cut off", str(last), lambda c: c.execute(change), None, excuse)

    def _swapped(self) -> Edit:
        """Two entries change places: the payloads alone, the whole rows, or with new hashes all along."""
        first, second = sorted(self._rng.sample(range(1, len(self._entries) + 1), 2))
        how = self._rng.choice(("payloads", "rows", "rechained"))

        def apply(connection: Connection) -> None:
            if how == "rows":
                for old, new in ((first, -first), (second, first), (-first, second)):
                    connection.execute("UPDATE ledger_entry SET seq = ? WHERE seq = ?", (new, old))
                return
            bodies = [canonical(entry) for entry in self._entries]
            bodies[first - 1], bodies[second - 1] = bodies[second - 1], bodies[first - 1]
            if how == "rechained":
                forger.rechain(connection, bodies, WHO)
            else:
                for seq in (first, second):
                    connection.execute("UPDATE ledger_entry SET payload = ? WHERE seq = ?", (bodies[seq - 1], seq))

        return Edit("entries change places", f"{first}<->{second} {how}", apply, first)

    def _inserted(self) -> Edit:
        """An entry that nobody made, at the end or in between, with hashes that hold or not."""
        place = self._rng.randrange(2, len(self._entries) + 2)
        number = self._rng.randrange(10**9)
        model = self._rng.choice(self._entries)
        hashed = self._rng.random() < 0.5
        fact = ClockStepped(number) if self._rng.random() < 0.5 else model.fact
        forged = msgspec.structs.replace(model, seq=place, id=f"forged-{number}", fact=fact)
        if place <= len(self._entries):
            bodies = [canonical(entry) for entry in self._entries]
            bodies[place - 1 : place - 1] = [canonical(forged)]

        def apply(connection: Connection) -> None:
            row = (forged.id, type(fact).__name__, forged.date, forged.instant)
            if place > len(self._entries):
                head = self._rows["ledger_entry"][-1][10] if hashed else bytes(32)
                body = canonical(forged)
                _append(connection, place, row, fact, body, head, link(head, body) if hashed else bytes(32))
                return
            connection.execute("UPDATE ledger_entry SET seq = -seq WHERE seq >= ?", (place,))
            connection.execute("UPDATE ledger_entry SET seq = 1 - seq WHERE seq < 0")
            _append(connection, place, row, fact, bodies[place - 1], bytes(32), bytes(32))
            if hashed:
                forger.rechain(connection, bodies, WHO)

        at_end = place > len(self._entries)
        quiet = at_end and hashed and isinstance(fact, ClockStepped) and bool(forged.date or forged.operator)
        seq = None if hashed else place
        return Edit("entry inserted", f"{place} {number} {hashed}", apply, seq, "unacknowledged" if quiet else "")

    def _from_the_other_kiosk(self) -> Edit:
        """Rows of another kiosk's journal in the place of ours: one, a run, or all."""
        first = self._rng.randrange(1, len(self._theirs) + 1)
        last = min(len(self._theirs), first + self._rng.choice((0, 0, 2, 100)))
        rechained = self._rng.random() < 0.4

        def apply(connection: Connection) -> None:
            for row in self._theirs[first - 1 : last]:
                connection.execute("DELETE FROM ledger_entry WHERE seq = ?", (row[0],))
                marks = ", ".join("?" * len(row))
                connection.execute(f"INSERT INTO ledger_entry VALUES ({marks})", row)
            if rechained:
                rows = connection.execute("SELECT payload FROM ledger_entry ORDER BY seq").fetchall()
                forger.rechain(connection, [body for (body,) in rows], WHO)

        return Edit("entries of another kiosk", f"{first}-{last} {rechained}", apply, first)

    def _rechained(self) -> Edit | None:
        """One field of one entry is altered, and every hash after it is computed again."""
        entry = self._rng.choice(self._entries)
        changed = self._altered(entry)
        if changed is None:
            return None
        bodies = [canonical(changed if other.seq == entry.seq else other) for other in self._entries]

        def apply(connection: Connection) -> None:
            forger.rechain(connection, bodies, WHO)
            columns = (changed.instant, changed.date, entry.seq)
            connection.execute("UPDATE ledger_entry SET instant = ?, business_date = ? WHERE seq = ?", columns)

        excuse = "unacknowledged" if entry.seq > self._acked else ""
        return Edit("forged and chained again", f"{entry.seq} {changed}", apply, None, excuse)

    def _altered(self, entry: Entry) -> Entry | None:
        rng = self._rng
        number = rng.randrange(1, 10**6)
        fact = entry.fact
        match rng.choice(("operator", "instant", "boot", "monotonic", "fact")):
            case "operator":
                return msgspec.structs.replace(entry, operator=f"{entry.operator}{number}")
            case "instant":
                return msgspec.structs.replace(entry, instant=entry.instant + number)
            case "boot":
                return msgspec.structs.replace(entry, boot=f"boot-{number}")
            case "monotonic":
                return msgspec.structs.replace(entry, monotonic=entry.monotonic + number)
        if isinstance(fact, StockReceived):
            return msgspec.structs.replace(entry, fact=msgspec.structs.replace(fact, note_number=f"SJ-{number}"))
        if isinstance(fact, Redeemed):
            return msgspec.structs.replace(entry, fact=msgspec.structs.replace(fact, last4=f"{number % 10_000:04d}"))
        return None

    def _rewritten(self) -> Edit | None:
        """The best forgery: altered, without the city's word, and every table, seal and hash made anew."""
        entry = self._rng.choice(self._entries)
        place = entry.seq
        if self._rng.random() < 0.2 and place > 1:
            changed: Entry | None = msgspec.structs.replace(
                entry, seq=0, id=f"forged-{self._rng.randrange(10**9)}", fact=ClockStepped(self._rng.randrange(10**6))
            )
            held = [*self._entries[: place - 1], changed, *self._entries[place - 1 :]]
        else:
            changed = self._altered(entry) if self._rng.random() < 0.7 else self._to_another_family(entry)
            held = [changed if other.seq == place else other for other in self._entries]
        if changed is None:
            return None
        entries = forger.without_acknowledgements([each for each in held if each is not None])
        if forger.broken(entries):  # that would be a seam
            return None

        def apply(connection: Connection) -> None:
            forger.rewrite(connection, entries, self._sample.device_key, self._kept)

        return Edit("whole ledger written anew", f"{entry.seq} {changed}", apply)

    def _to_another_family(self, entry: Entry) -> Entry | None:
        """A redemption under the name of a family that never came."""
        fact = entry.fact
        if not isinstance(fact, Redeemed) or fact.purse is not None:
            return None
        came = {other.fact.family for other in self._entries if isinstance(other.fact, Redeemed | Reversed)}
        held = {row[0] for row in self._rows["lease"] if row[2] == fact.debits[0].programme} - came
        undone = {other.fact.original for other in self._entries if isinstance(other.fact, Reversed)}
        if not held or entry.id in undone:
            return None
        return msgspec.structs.replace(entry, fact=msgspec.structs.replace(fact, family=self._rng.choice(sorted(held))))

    def _cut_without_a_seam(self) -> Edit:
        """The tail is cut off, and every table is made as if it had never been."""
        last = self._rng.randrange(3, len(self._entries))

        def apply(connection: Connection) -> None:
            forger.rewrite(connection, self._entries[:last], self._sample.device_key, self._kept)

        excuse = "unacknowledged" if last >= self._acked else ""
        return Edit("tail cut off without a seam", str(last), apply, None, excuse)

    def images(self) -> Iterator[Edit]:
        """Older copies of the file: as they are, and served with until they are longer than what the city holds."""
        for name, image, behind in self._sample.images:
            excuse = "" if behind else "old image"

            def put_back(file: Path, image: Path = image) -> None:
                shutil.copy(image, file)

            def serve_on(file: Path, image: Path = image) -> None:
                serve_with(image, file, len(self._entries) + 3, self._sample.clock)

            yield Edit("older image put back", name, file=put_back, excuse=excuse)
            yield Edit("older image served with", name, file=serve_on, excuse=excuse)

    # -- the schema --------------------------------------------------------------------------------------------------

    def _altered_schema(self) -> Edit | None:
        rng = self._rng
        guard, statement = rng.choice(sorted(guards.GUARDS.items()))
        table = rng.choice(TABLES)
        number = rng.randrange(10**6)
        column = rng.choice(self._columns[table])[1]
        index = rng.choice(INDEXES)
        weaker = statement.replace("RAISE(ABORT", f"RAISE(IGNORE, '{number}') WHERE 0 AND (''")
        rewrite = "UPDATE sqlite_schema SET sql = replace(sql, {}) WHERE name = '{}'"
        ways: dict[str, tuple[list[str], bool]] = {
            "guard dropped": ([f"DROP TRIGGER {guard}"], False),
            "guard altered": (
                [f"DROP TRIGGER {guard}", f"{weaker[: weaker.index('BEGIN')]}BEGIN SELECT {number}; END"],
                False,
            ),
            "index dropped": ([f"DROP INDEX {index}"], True),
            "index added": ([f"CREATE INDEX x{number} ON {table} ({column})"], True),
            "table added": ([f"CREATE TABLE x{number} (a)"], True),
            "view added": ([f"CREATE VIEW x{number} AS SELECT * FROM {table}"], True),
            "trigger added": (
                [f"CREATE TRIGGER guard_{number} AFTER INSERT ON {table} BEGIN DELETE FROM print_job; END"],
                True,
            ),
            "column added": ([f"ALTER TABLE {table} ADD COLUMN x{number} INTEGER"], True),
            "column renamed": ([f"ALTER TABLE {table} RENAME COLUMN {column} TO x{number}"], True),
            "table renamed": ([f"ALTER TABLE {table} RENAME TO x{number}"], True),
            "check weakened": ([rewrite.format("'>= 0', '>= -9'", rng.choice(("lease", "stock")))], True),
            "strict lifted": ([rewrite.format("'STRICT', ''", "print_job")], True),
            "not null lifted": ([rewrite.format(f"'{column} ', '{column}  NULL '", table)], True),
            "table dropped": ([f"DROP TABLE {table}"], False),
            "schema number": ([f"PRAGMA user_version = {rng.choice((0, -1, -number))}"], True),
            "application number": ([f"PRAGMA application_id = {number}"], True),
        }
        name = rng.choice(sorted(ways))
        statements, guarded = ways[name]
        if name == "not null lifted" and " NOT NULL" not in str(self._columns[table]):
            return None

        def apply(connection: Connection) -> None:
            if not guarded:
                guards.install(connection)
            connection.execute("PRAGMA writable_schema = ON")
            for statement in statements:
                connection.execute(statement)
            connection.execute("PRAGMA writable_schema = OFF")

        return Edit("schema", f"{name} {statements}", apply, guarded=guarded)


def _moves(entry: Entry) -> bool:
    """Whether an entry leaves anything beside itself."""
    return not isinstance(entry.fact, ClockStepped)


def _append(
    connection: Connection, seq: int, row: tuple[Any, ...], fact: Any, body: bytes, head: bytes, digest: bytes
) -> None:
    named = (fact.family, fact.receipt + 1000) if isinstance(fact, Redeemed | Reversed) else (None, None)
    connection.execute(
        "INSERT INTO ledger_entry VALUES (?, ?, ?, ?, ?, ?, ?, NULL, ?, ?, ?)", (seq, *row, *named, body, head, digest)
    )


def _set(table: str, column: str, value: Any, seq: int) -> Callable[[Connection], None]:
    statement = f"UPDATE {table} SET {column} = ? WHERE seq = ?"

    def apply(connection: Connection) -> None:
        connection.execute(statement, (value, seq))

    return apply


def _same_but_city(held: str, value: Any) -> bool:
    """Whether the clock's memory says the same of the clock, however other its word on the city's time is."""
    if not isinstance(value, str):
        return False
    try:
        now = msgspec.json.decode(value, type=ClockMemory)
    except (msgspec.DecodeError, UnicodeEncodeError):
        return False
    own = msgspec.structs.replace(msgspec.json.decode(held, type=ClockMemory), city=None)
    return msgspec.structs.replace(now, city=None) == own and value == msgspec.json.encode(now).decode()


def _flipped(value: bytes, bit: int) -> bytes:
    place, shift = divmod(bit, 8)
    return value[:place] + bytes((value[place] ^ (1 << shift),)) + value[place + 1 :]


class Hand:
    """A second connection of somebody who knows the key, with nothing on that would hinder or slow them."""

    def __init__(self, file: Path) -> None:
        self._connection = _opened(file, KEY, "rw", _CARELESS)

    def __enter__(self) -> Connection:
        return self._connection

    def __exit__(self, *_: object) -> None:
        self._connection.close()


def take_guards_away(connection: Connection) -> None:
    for name in guards.GUARDS:
        connection.execute(f"DROP TRIGGER {name}")
