"""A kiosk whose ledger was restored from a copy: what the city hears of it, and that no family gets anything twice."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest

from ewarung_city import leases
from ewarung_city.store import schema
from ewarung_city.verify import verify as verify_city
from ewarung_pos.domain.family import CardStatus, Family, HolderPresence
from ewarung_pos.domain.journal import KioskEnrolled, RegisterPurged, decode
from ewarung_pos.domain.redemption import Basket, BasketLine, Tender
from ewarung_pos.domain.stock import ReceivedLine
from ewarung_pos.domain.timeline import CityTime
from ewarung_pos.errors import (
    ChainBroken,
    ConfigError,
    LedgerError,
    NotEntitled,
    RuleViolation,
    ServerUnreachable,
    SyncError,
)
from ewarung_pos.kiosk.enrolment import enrol_into
from ewarung_pos.ledger import key_passphrase
from ewarung_pos.ledger.backup import back_up
from ewarung_pos.ledger.database import SqlLedger, open_ledger
from ewarung_pos.ledger.engine import connect
from ewarung_pos.ledger.keys import DESCRIPTOR_FILE, Tier, key_of, make_key
from ewarung_pos.ledger.restore import LedgerFile, holds_copy, restore
from ewarung_pos.ledger.verify import verify
from ewarung_pos.services.day import DayService
from ewarung_pos.services.redeem import RedeemService
from ewarung_pos.services.retention import RetentionService
from ewarung_pos.services.stock import StockService
from ewarung_pos.sync.client import HttpCityServer, Line
from ewarung_pos.sync.engine import SyncEngine
from ewarung_pos.sync.outgoing import keys_of
from ewarung_pos.sync.upload import Upload, upload
from tests.integration.city.city_kit import LEDGER_KEY, PERIOD, LiveCity, Till, ToldClock
from tests.integration.ledger.key_kit import MemoryStore, software_tpm, use_store

RICE = "beras-medium-5"
RATION_G = 10_000
PACK_G = 5_000

put_back = partial(restore, older=True)
"""What these tests put back, they mean to, whatever the ledger in place holds."""


@dataclass
class Kiosk:
    """EW-0001 in a directory of its own; `handed` is what really went over the counter, in grams by family."""

    folder: Path
    city: LiveCity
    clock: ToldClock
    handed: dict[str, int] = field(default_factory=dict)
    _open: tuple[SqlLedger, SyncEngine] | None = None

    @property
    def key(self) -> bytes:
        return key_of(self.folder).secret

    @property
    def ledger(self) -> SqlLedger:
        assert self._open is not None
        return self._open[0]

    def enrol(self, heard: Callable[[Upload], None] = lambda _: None) -> int:
        code = self.city.code()
        return enrol_into(self.folder, self.city.url, code, self.clock, practice=True, on_upload=heard).epoch

    def start(self) -> None:
        ledger = open_ledger(self.folder, self.key, self.clock)
        self._open = (ledger, SyncEngine(ledger, self.clock, self.city.url))

    def open_shop(self) -> None:
        stock = StockService(self.ledger)
        DayService(self.ledger, self.clock, stock).open("siti")
        catalogue = self.ledger.read().catalogue()
        stock.receive("Bulog", "SJ", tuple(ReceivedLine(product.code, 400) for product in catalogue.products), "siti")

    def stop(self) -> None:
        if self._open is not None:
            self._open[1].close()
            self._open[0].close()
            self._open = None

    def families(self) -> list[Family]:
        """Those whose whole ration is here, in the order of the register."""
        return [
            family
            for family in self.ledger.read().families()
            if "JATAH" in family.programmes and family.card_status is CardStatus.ACTIVE
        ]

    def serve(self, family: Family, packs: int = 1) -> None:
        self.clock.wait(1000)
        basket = Basket((BasketLine(RICE, packs, Tender.RATION, "JATAH"),))
        RedeemService(self.ledger, self.clock, lambda: None).redeem(family.card, basket, HolderPresence.SELF, "siti")
        self.handed[family.key] = self.handed.get(family.key, 0) + packs * PACK_G

    def serve_all_it_can(self) -> None:
        """Every family comes and takes, pack by pack, whatever the till lets it have."""
        for family in self.families():
            while True:
                try:
                    self.serve(family)
                except RuleViolation:
                    break

    def sync(self) -> str:
        """Step until nothing more is to do; the code of an error, if one stopped it."""
        assert self._open is not None
        for _ in range(30):
            report = self._open[1].step()
            if report.code:
                return f"{report.code}.{report.reason}"
            if not report.more:
                return ""
        raise AssertionError("the till never comes to rest")

    def copy(self, name: str) -> Path:
        stick = self.folder.parent / name
        stick.mkdir()
        return Path(back_up(self.folder / "ledger.db", self.key, stick).path)

    def restored(self, copy: Path) -> Upload:
        """Restored, and the city asked."""
        put_back(copy, self.folder, self.key)
        with LedgerFile(self.folder / "ledger.db", self.key) as held:
            return upload(held, self.clock, self.city.url)


@pytest.fixture
def kiosk(tmp_path: Path, city: LiveCity, clock: ToldClock) -> Iterator[Kiosk]:
    """Enrolled, open, and its morning sent."""
    made = Kiosk(tmp_path / "kiosk", city, clock)
    assert made.enrol() == 1
    made.start()
    made.open_shop()
    assert made.sync() == ""
    yield made
    made.stop()


def spent(city: LiveCity) -> dict[str, int]:
    """What the city knows as handed out, over all epochs."""
    totals: dict[str, int] = {}
    with city.store.read() as tx:
        for row in tx.all(schema.lease, period=PERIOD, commodity="beras"):
            totals[row["family"]] = totals.get(row["family"], 0) + int(row["spent"]) - int(row["returned"])
    return totals


def release(city: LiveCity, epoch: int = 1) -> None:
    with city.store.write() as tx:
        leases.declare_lost(tx, "EW-0001", epoch, ["Ratna", "Heru"])


def grant(city: LiveCity) -> int:
    with city.store.write() as tx:
        done = leases.grant(tx, PERIOD)
        assert [found for found in verify_city(tx) if found.what.startswith("overgrant")] == []
    return done.leases


def start_again(kiosk: Kiosk) -> None:
    """The new epoch: its day, its stock."""
    kiosk.start()
    kiosk.clock.wait(86_400_000)
    kiosk.open_shop()
    assert kiosk.sync() == ""


def test_nothing_is_handed_out_twice_over_a_restore_and_what_nobody_wrote_down_is_the_whole_residue(
    kiosk: Kiosk,
) -> None:
    """Acked, in the copy only, at the city only, nowhere: one family each."""
    acked, copied, sent, nowhere, never = kiosk.families()[:5]
    kiosk.serve(acked)
    assert kiosk.sync() == ""
    kiosk.serve(copied)
    copy = kiosk.copy("stick")
    kiosk.serve(sent, 2)
    assert kiosk.sync() == ""
    kiosk.serve(nowhere)
    kiosk.stop()

    told = kiosk.restored(copy)
    assert (told.same_past, told.put_aside, told.sent) == (True, "", 0)
    assert told.missing == told.city_after - told.copy_seq > 0
    with pytest.raises(LedgerError) as caught:
        kiosk.start()
    assert caught.value.reason == "copy"

    heard: list[Upload] = []
    assert kiosk.enrol(heard.append) == 2
    assert [each.missing for each in heard] == [told.missing]
    assert kiosk.city.epoch(epoch=1)["state"] == "frozen"

    # before the officers sign: nobody gets anything, however often the city grants
    start_again(kiosk)
    assert grant(kiosk.city) == 0
    assert kiosk.sync() == ""
    before = dict(kiosk.handed)
    kiosk.serve_all_it_can()
    assert kiosk.handed == before

    # after they signed: everybody gets the rest of what the city and the copy know of
    release(kiosk.city)
    assert grant(kiosk.city) > 0
    assert kiosk.sync() == ""
    kiosk.serve_all_it_can()
    assert kiosk.sync() == ""
    assert set(spent(kiosk.city).values()) <= {0, RATION_G}
    assert max(spent(kiosk.city).values()) == RATION_G
    for family in (acked, copied, sent, never):
        assert kiosk.handed[family.key] == RATION_G
    assert kiosk.handed[nowhere.key] == RATION_G + PACK_G
    assert [key for key, grams in kiosk.handed.items() if grams > RATION_G] == [nowhere.key]
    assert kiosk.city.cases() == []


def test_what_only_the_copy_holds_reaches_the_city_before_its_epoch_ends(kiosk: Kiosk) -> None:
    acked, copied = kiosk.families()[:2]
    kiosk.serve(acked)
    assert kiosk.sync() == ""
    kiosk.serve(copied, 2)
    copy = kiosk.copy("stick")
    kiosk.stop()
    entries = verify(copy, kiosk.key).entries

    told = kiosk.restored(copy)
    assert (told.copy_seq, told.city_after, told.missing, told.same_past) == (entries, entries, 0, True)
    assert told.sent > 0
    assert verify(kiosk.folder).entries == entries  # nothing was written into it
    assert spent(kiosk.city)[copied.key] == RATION_G
    assert kiosk.enrol() == 2
    release(kiosk.city)
    start_again(kiosk)
    grant(kiosk.city)
    assert kiosk.sync() == ""
    kiosk.serve_all_it_can()
    assert max(kiosk.handed.values()) == RATION_G
    assert kiosk.handed[copied.key] == RATION_G


def test_a_long_copy_is_sent_in_as_many_batches_as_it_takes(kiosk: Kiosk, monkeypatch: pytest.MonkeyPatch) -> None:

    monkeypatch.setattr("ewarung_pos.sync.outgoing.BATCH_ENTRIES", 2)
    for family in kiosk.families()[:5]:
        kiosk.serve(family)
    copy = kiosk.copy("stick")
    kiosk.stop()
    told = kiosk.restored(copy)
    assert (told.sent > 4, told.city_after, told.missing) == (True, told.copy_seq, 0)


def test_a_copy_from_before_the_first_contact_is_sent_whole(city: LiveCity, clock: ToldClock, tmp_path: Path) -> None:
    """Enrolled while the line failed right after: the city holds nothing of this epoch."""
    enrolled = Till(tmp_path / "till", city.url, city.code(), clock)
    enrolled.close()
    with LedgerFile(tmp_path / "till" / "ledger.db", LEDGER_KEY) as held:
        told = upload(held, clock, city.url)
    assert (told.city_before, told.sent, told.same_past) == (0, told.copy_seq, True)


def test_a_ledger_that_was_touched_or_is_nobody_s_is_not_sent(kiosk: Kiosk, tmp_path: Path) -> None:
    kiosk.serve(kiosk.families()[0])
    kiosk.stop()
    connection = connect(kiosk.folder / "ledger.db", kiosk.key)
    connection.execute("DROP TRIGGER guard_ledger_entry_update")
    connection.execute(
        "UPDATE ledger_entry SET payload = CAST('{}' AS BLOB) WHERE seq = (SELECT max(seq) FROM ledger_entry)"
    )
    connection.close()
    with LedgerFile(kiosk.folder / "ledger.db", kiosk.key) as held, pytest.raises(ChainBroken):
        upload(held, kiosk.clock, kiosk.city.url)
    (tmp_path / "empty").mkdir()
    open_ledger(tmp_path / "empty", kiosk.key, kiosk.clock, create=True).close()
    with LedgerFile(tmp_path / "empty" / "ledger.db", kiosk.key) as held, pytest.raises(ConfigError) as caught:
        upload(held, kiosk.clock, kiosk.city.url)
    assert caught.value.reason == "not_enrolled"


def test_without_a_line_the_copy_waits_and_enrolling_does_not_end_its_epoch(kiosk: Kiosk) -> None:
    kiosk.serve(kiosk.families()[0])
    copy = kiosk.copy("stick")
    kiosk.stop()
    put_back(copy, kiosk.folder, kiosk.key)
    kiosk.city.stop()
    with pytest.raises(ServerUnreachable):
        kiosk.enrol()
    assert holds_copy(kiosk.folder / "ledger.db", kiosk.key)
    assert not list(kiosk.folder.glob("enrolling-*"))
    kiosk.city.start()
    heard: list[Upload] = []
    assert kiosk.enrol(heard.append) == 2
    assert heard[0].sent > 0


def test_the_ended_epoch_is_kept_and_still_verifies(kiosk: Kiosk) -> None:
    copy = kiosk.copy("stick")
    kiosk.stop()
    kiosk.restored(copy)
    kiosk.enrol()
    archive = kiosk.folder / "epochs" / "ledger-EW-0001-1.db"
    report = verify(archive)
    assert (report.ok, report.epoch) == (True, 1)
    report = verify(kiosk.folder)
    assert (report.ok, report.epoch) == (True, 2)
    with LedgerFile(kiosk.folder / "ledger.db", kiosk.key) as held:
        first = decode(held.sealed(0, 1, 1)[0].body)
    assert (first.seq, first.epoch) == (1, 2)
    assert isinstance(first.fact, KioskEnrolled)
    assert first.fact.reason == "restored"
    kiosk.start()
    with pytest.raises(ConfigError) as caught:
        kiosk.enrol()
    assert caught.value.reason == "enrolled"


def test_a_code_of_another_kiosk_does_not_move_this_one(kiosk: Kiosk) -> None:
    copy = kiosk.copy("stick")
    kiosk.stop()
    kiosk.restored(copy)
    neighbour = kiosk.folder.parent / "neighbour"
    enrol_into(neighbour, kiosk.city.url, kiosk.city.code("EW-0002"), kiosk.clock, practice=True)
    code = kiosk.city.code("EW-0002")
    with pytest.raises(ConfigError) as caught:
        enrol_into(kiosk.folder, kiosk.city.url, code, kiosk.clock, practice=True)
    assert caught.value.reason == "other_kiosk"
    assert holds_copy(kiosk.folder / "ledger.db", kiosk.key)
    assert kiosk.enrol() == 2
    with kiosk.city.store.read() as tx:  # and the other's till, which may be serving, goes on; its code is still good
        assert [(row["epoch"], row["state"]) for row in tx.all(schema.epoch, device="EW-0002")] == [(1, "active")]
        assert [row["state"] for row in tx.all(schema.code, "code_id", device="EW-0002", state="open")] == ["open"]


def test_a_key_that_waits_for_its_copy_is_not_replaced_by_enrolling(
    city: LiveCity, clock: ToldClock, tmp_path: Path
) -> None:
    kiosk = Kiosk(tmp_path / "kiosk", city, clock)
    kiosk.folder.mkdir()
    key = kiosk.folder / "ledger.key"
    key.write_text("ab" * 32)
    key.chmod(0o600)
    kiosk.enrol()
    assert key.read_text() == "ab" * 32
    assert verify(kiosk.folder).ok


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> MemoryStore:
    """A store of passwords; stretching a passphrase costs nothing."""
    monkeypatch.setattr(key_passphrase, "MEMORY_KIB", 64)
    monkeypatch.setattr(key_passphrase, "PASSES", 1)
    held = MemoryStore()
    use_store(monkeypatch, held)
    return held


def knows(_: key_passphrase.Question) -> str:
    return "beras lima kilo, minyak dua"


@pytest.mark.parametrize("tier", [Tier.OS_STORE, Tier.PASSPHRASE])
def test_the_next_epoch_keeps_the_key_where_it_is(
    tier: Tier, city: LiveCity, clock: ToldClock, tmp_path: Path, store: MemoryStore
) -> None:
    """Whatever rung is asked for: archived epochs, old copies and PINs hang on the secrets that are there."""
    folder = tmp_path / "kiosk"
    enrol_into(folder, city.url, city.code(), clock, practice=True, tier=tier, ask=knows)
    key, written, entries = key_of(folder, knows), (folder / DESCRIPTOR_FILE).read_bytes(), dict(store.entries)
    stick = tmp_path / "stick"
    stick.mkdir()
    copy = Path(back_up(folder / "ledger.db", key.secret, stick).path)
    put_back(copy, folder, key.secret)
    identity = enrol_into(folder, city.url, city.code(), clock, practice=True, tier=Tier.KEY_FILE, ask=knows)
    assert identity.epoch == 2
    assert key_of(folder, knows) == key
    assert ((folder / DESCRIPTOR_FILE).read_bytes(), store.entries) == (written, entries)
    assert not (folder / "ledger.key").exists()
    for file in (folder / "ledger.db", folder / "epochs" / "ledger-EW-0001-1.db", copy):
        assert verify(file, key.secret).ok


def test_with_the_key_in_a_tpm_the_next_epoch_begins_on_this_machine_only(
    city: LiveCity, clock: ToldClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = Path(tempfile.mkdtemp(prefix="tpm-", dir="/tmp"))
    folder = tmp_path / "kiosk"
    try:
        with software_tpm(away) as tcti:
            monkeypatch.setenv("EWARUNG_TCTI", tcti)
            enrol_into(folder, city.url, city.code(), clock, practice=True, tier=Tier.TPM)
            key = key_of(folder)
            stick = tmp_path / "stick"
            stick.mkdir()
            copy = Path(back_up(folder / "ledger.db", key.secret, stick).path)
            put_back(copy, folder, key.secret)
        heard: list[Upload] = []
        with pytest.raises(ConfigError) as caught:  # the chip is away: nothing is sent, ended or written
            enrol_into(folder, city.url, city.code(), clock, practice=True, on_upload=heard.append)
        assert (caught.value.reason, heard) == ("tpm_missing", [])
        assert city.epoch(epoch=1)["state"] == "active"
        assert holds_copy(folder / "ledger.db", key.secret)
        with software_tpm(away):
            assert enrol_into(folder, city.url, city.code(), clock, practice=True).epoch == 2
            assert key_of(folder) == key
    finally:
        shutil.rmtree(away)
    assert verify(folder, key.secret).ok


def test_the_new_epoch_has_its_register_from_the_city_and_puts_names_away_like_the_old(kiosk: Kiosk) -> None:
    """Its clock's memory, its full check beside the counter and its retention begin with it."""
    copy = kiosk.copy("stick")
    kiosk.stop()
    kiosk.restored(copy)
    kiosk.enrol()
    kiosk.start()
    assert kiosk.ledger.read().clock().city is not None
    assert kiosk.ledger.audit(lambda: True)
    assert kiosk.sync() == ""
    before = {family.key for family in kiosk.ledger.read().families()}
    with LedgerFile(copy, kiosk.key) as held:
        assert before == {family.key for family in held.families()}
    put_away = RetentionService(kiosk.ledger, 3).purge()
    assert put_away is not None
    assert isinstance(put_away.fact, RegisterPurged)
    assert put_away.fact.expired == ()  # without a right yet, and still not forgotten
    stayed = {family.key for family in kiosk.ledger.read().families()}
    assert before - stayed == set(put_away.fact.moved)
    kiosk.clock.wait(400 * 86_400_000)
    with kiosk.ledger.write() as uow:
        now = kiosk.clock.now()
        uow.heard_city(CityTime(now.wall.ms, now.wall.ms, now.monotonic_ms, now.boot))
    assert RetentionService(kiosk.ledger, 3).purge() is not None
    assert len(kiosk.ledger.read().families()) < len(stayed)
    kiosk.stop()
    assert verify(kiosk.folder).ok


@pytest.mark.parametrize("tier", [Tier.OS_STORE, Tier.PASSPHRASE])
def test_a_key_without_a_ledger_outlives_an_enrolment_that_fails(
    tier: Tier, city: LiveCity, clock: ToldClock, tmp_path: Path, store: MemoryStore
) -> None:
    """A power cut may come between the names of the key and of the ledger; or the copy is still to be restored."""
    folder = tmp_path / "kiosk"
    folder.mkdir()
    key = make_key(folder, tier, knows)
    entries = dict(store.entries)
    with pytest.raises(ServerUnreachable):
        enrol_into(folder, "http://127.0.0.1:1", city.code(), clock, practice=True, ask=knows)
    assert [path.name for path in folder.iterdir()] == [DESCRIPTOR_FILE]
    assert (key_of(folder, knows), store.entries) == (key, entries)
    enrol_into(folder, city.url, city.code(), clock, practice=True, ask=knows)
    assert (key_of(folder, knows), store.entries) == (key, entries)
    assert verify(folder, key.secret).ok


def test_rights_of_a_frozen_epoch_are_not_free_before_two_officers_sign(kiosk: Kiosk) -> None:
    copy = kiosk.copy("stick")
    kiosk.stop()
    kiosk.restored(copy)
    with pytest.raises(NotEntitled):  # it was not enrolled again yet: the epoch may still spend
        release(kiosk.city)
    kiosk.enrol()
    with kiosk.city.store.write() as tx, pytest.raises(NotEntitled):
        leases.declare_lost(tx, "EW-0001", 1, ["Ratna"])
    assert grant(kiosk.city) == 0


def test_a_key_that_signed_too_long_is_renewed_by_a_new_epoch_and_signs_nothing_afterwards(kiosk: Kiosk) -> None:
    """On purpose, with nothing lost: the newest copy of a sound ledger, a code, two officers, and serving goes on."""
    for family in kiosk.families()[:3]:
        kiosk.serve(family)
    assert kiosk.sync() == ""
    before = kiosk.ledger.read().secret("device_key")
    stolen, city_key = keys_of(kiosk.ledger.read())
    copy = kiosk.copy("stick")
    kiosk.stop()
    sent = kiosk.restored(copy)
    assert (sent.city_after, sent.same_past, sent.put_aside) == (sent.copy_seq, True, "")
    assert kiosk.enrol() == 2
    start_again(kiosk)
    assert kiosk.ledger.read().secret("device_key") not in {None, before}

    thief = Line(kiosk.city.url)
    said = []
    for epoch in (1, 2):
        keyed = HttpCityServer(thief, f"EW-0001/{epoch}", stolen, city_key, lambda: kiosk.clock.ms // 1000)
        with pytest.raises(SyncError) as caught:
            keyed.pull(0)
        said.append(caught.value.reason)
    thief.close()
    assert said == ["upload_only", "signature"]

    release(kiosk.city)
    assert grant(kiosk.city) > 0
    assert kiosk.sync() == ""
    kiosk.serve_all_it_can()
    assert set(kiosk.handed.values()) == {RATION_G}
    assert kiosk.sync() == ""
    assert {family: grams for family, grams in spent(kiosk.city).items() if grams} == kiosk.handed


def test_a_copy_does_not_answer_for_what_a_lost_city_may_have_given_after_it_was_made(kiosk: Kiosk) -> None:
    """Both ends were put back: above the copy's end the lost machine may hold rights that no one here knows of."""
    copy = kiosk.copy("stick")
    kiosk.stop()
    with kiosk.city.store.write() as tx:
        assert leases.restored(tx) == ["EW-0001/1"]
    told = kiosk.restored(copy)
    assert (told.same_past, told.put_aside, told.city_after) == (True, "", told.copy_seq)
    kiosk.enrol()
    start_again(kiosk)
    with kiosk.city.store.write() as tx:
        assert leases.recovering(tx) == ["EW-0001/1"]
    release(kiosk.city)
    with kiosk.city.store.write() as tx:
        assert leases.recovering(tx) == []
    assert grant(kiosk.city) > 0


# --- one copy, twice -------------------------------------------------------------------------------------------------


def test_restored_twice_before_it_is_enrolled_it_is_as_if_once(kiosk: Kiosk) -> None:
    kiosk.serve(kiosk.families()[0])
    copy = kiosk.copy("stick")
    kiosk.stop()
    assert kiosk.restored(copy).sent > 0
    again = kiosk.restored(copy)
    assert (again.sent, again.missing, again.same_past, again.put_aside) == (0, 0, True, "")
    assert kiosk.enrol() == 2
    assert kiosk.city.cases() == []


def test_what_the_new_epoch_handed_out_cannot_be_undone_by_restoring_the_copy_again(kiosk: Kiosk) -> None:
    copy = kiosk.copy("stick")
    kiosk.stop()
    kiosk.restored(copy)
    kiosk.enrol()
    release(kiosk.city)
    grant(kiosk.city)
    start_again(kiosk)
    first = kiosk.families()[0]
    kiosk.serve(first, 2)
    kiosk.stop()
    with pytest.raises(ConfigError) as caught:
        put_back(copy, kiosk.folder, kiosk.key)
    assert caught.value.reason == "ended_epoch"
    (kiosk.folder / "ledger.db").unlink()  # lost, with what it had not sent
    told = kiosk.restored(copy)
    assert (told.put_aside, told.sent) == ("", 0)
    assert kiosk.enrol() == 3
    start_again(kiosk)
    grant(kiosk.city)
    assert kiosk.sync() == ""
    before = dict(kiosk.handed)
    kiosk.serve_all_it_can()
    assert kiosk.handed == before  # the rights of epoch 2 count as spent until two officers sign for it


def test_two_machines_from_one_copy_hand_out_no_right_twice(kiosk: Kiosk, tmp_path: Path) -> None:
    """A cloned disk: both are restored and enrolled, one after the other."""
    kiosk.serve(kiosk.families()[0])
    copy = kiosk.copy("stick")
    kiosk.stop()
    (tmp_path / "clone").mkdir()
    shutil.copy(kiosk.folder / "ledger.key", tmp_path / "clone" / "ledger.key")
    clone = Kiosk(tmp_path / "clone", kiosk.city, kiosk.clock)
    for each in (kiosk, clone):
        each.restored(copy)
    assert kiosk.enrol() == 2
    release(kiosk.city)
    grant(kiosk.city)
    start_again(kiosk)
    heard: list[Upload] = []
    assert clone.enrol(heard.append) == 3
    assert (heard[0].sent, heard[0].missing) == (0, 0)
    grant(kiosk.city)
    start_again(clone)
    kiosk.serve_all_it_can()  # offline since: it does not know yet that its epoch has ended
    clone.serve_all_it_can()
    assert kiosk.sync() != ""
    assert clone.handed == {}
    assert max(kiosk.handed.values()) == RATION_G
    clone.stop()


# --- another past ----------------------------------------------------------------------------------------------------


def test_a_copy_with_another_past_is_kept_aside_and_a_person_is_told(kiosk: Kiosk, tmp_path: Path) -> None:
    """An old image served on by itself: its copy and the city have different entries at one place."""
    first, second = kiosk.families()[:2]
    kiosk.stop()
    shutil.copytree(kiosk.folder, tmp_path / "image")
    kiosk.start()
    kiosk.serve(first)
    kiosk.serve(first)
    assert kiosk.sync() == ""
    kiosk.stop()
    image = Kiosk(tmp_path / "image", kiosk.city, kiosk.clock)
    image.start()
    image.serve(second)
    copy = image.copy("other")
    image.stop()
    told = image.restored(copy)
    assert (told.same_past, told.put_aside, told.sent) == (False, "FORK", 0)
    with kiosk.city.store.read() as tx:
        assert [row["reason"] for row in tx.all(schema.aside)] == ["FORK"]


def test_an_image_put_in_place_by_hand_gets_no_new_right(kiosk: Kiosk, tmp_path: Path) -> None:
    """File copied over, no restore: the city finds it at HELLO, and neither grants nor tells it anything more."""
    kiosk.stop()
    image = (kiosk.folder / "ledger.db").read_bytes()
    kiosk.start()
    first, second = kiosk.families()[:2]
    kiosk.serve(first)
    assert kiosk.sync() == ""
    kiosk.stop()
    (kiosk.folder / "ledger.db").write_bytes(image)
    kiosk.start()
    kiosk.serve(second)
    with kiosk.city.store.write() as tx:
        assert leases.grant(tx, "2026-12").leases > 0
    cursor = kiosk.ledger.read().cursor()
    for _ in range(3):
        assert kiosk.sync() == "unauthorised.fork"
    assert kiosk.ledger.read().cursor() == cursor
    assert kiosk.city.epoch()["mode"] == "upload_only"
    assert spent(kiosk.city).get(second.key, 0) == 0


def test_a_log_that_is_left_of_a_ledger_that_is_gone_is_kept_by_a_new_enrolment(kiosk: Kiosk, tmp_path: Path) -> None:
    """It may hold sales that nobody else has; the new ledger must not find it as its own."""
    folder = tmp_path / "machine"
    folder.mkdir()
    (folder / "ledger.db-wal").write_bytes(b"left behind")
    enrol_into(folder, kiosk.city.url, kiosk.city.code("EW-0002"), kiosk.clock, practice=True)
    assert (folder / "ledger-log-1.db-wal").read_bytes() == b"left behind"
    assert (folder / "ledger.db").exists()
    assert not (folder / "ledger.db-wal").exists()
