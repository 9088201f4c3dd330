"""Officers: who may act for the city, and that whatever they do or look at stays written down."""

from __future__ import annotations

import csv
import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner
from sqlalchemy import text

from ewarung_city import accounts, audit, feed
from ewarung_city.__main__ import cli
from ewarung_city.accounts import Officer, Right, Role
from ewarung_city.audit import Act
from ewarung_city.store import schema
from ewarung_city.store.database import Tx
from ewarung_pos.errors import NotAuthorised, PosError
from ewarung_pos.sync.signing import code_secret
from tests.integration.city.city_kit import PERIOD, SAMPLE, LiveCity, enrolled

Run = Callable[..., Any]
CHOSEN = "beras merah setengah kilo"


@pytest.fixture(autouse=True)
def _cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Argon2id at its least: how long a guess takes is not what is looked at here."""
    monkeypatch.setattr("ewarung_city.accounts.COST", (1, 8, 1))


@pytest.fixture
def run(stocked: LiveCity, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A command by an officer (`by`) who has chosen the passphrase CHOSEN, or by the server's own account."""
    held = tmp_path / "passphrase"
    held.write_text(CHOSEN)
    held.chmod(0o600)
    monkeypatch.chdir(tmp_path)

    def call(*arguments: object, by: str = "", code: int = 0, stdin: str = "", why: str = "") -> Any:
        words = [*map(str, arguments), "--data-dir", str(stocked.data_dir)]
        if by:
            words += ["--as", by, "--passphrase-file", str(held), *(["--reason", why] if why else [])]
        done = CliRunner().invoke(cli, words, input=stdin)
        assert (done.exit_code == 0) is (code == 0), done.output
        return done.output + str(getattr(done.exception, "reason", ""))

    return call


@pytest.fixture
def take_in(run: Run, tmp_path: Path) -> Run:
    """A new officer, who chooses CHOSEN at once."""

    def call(name: str, role: str, by: str = "", region: str = "") -> None:
        first = run("officer", "add", name, "--role", role, "--region", region, by=by).split(": ")[1].strip()
        told = tmp_path / f"{name}.told"
        told.write_text(first)
        told.chmod(0o600)
        words = ["--as", name, "--passphrase-file", told, "--new-file", tmp_path / "passphrase"]
        run("officer", "passphrase", *words)

    return call


@pytest.fixture
def office(take_in: Run) -> None:
    """An office of four, and one who has only one kecamatan."""
    take_in("Ratna", "admin")
    for name, role in (("Heru", "officer"), ("Tuti", "auditor"), ("Budi", "viewer")):
        take_in(name, role, by="Ratna")
    take_in("Sari", "officer", by="Ratna", region="33.74.01")


def written(city: LiveCity) -> list[Act]:
    with city.store.read() as tx:
        return audit.acts(tx)


def wrong(city: LiveCity) -> list[tuple[int, str]]:
    with city.store.read() as tx:
        return audit.check(tx, city.keys.public, [audit.kept_head(city.data_dir)])


def test_without_officers_the_servers_own_account_acts_and_is_written_down(stocked: LiveCity, run: Run) -> None:
    run("grant", PERIOD)
    run("report", "pdp", "EW-0001")
    run("enrol", "EW-9", code=1)
    said = [(act.officer.partition(":")[0], act.command, act.subject, act.outcome) for act in written(stocked)]
    assert said == [
        ("server", "grant", f"period:{PERIOD}", "done"),
        ("server", "report pdp", "kiosk:EW-0001", "done"),
        ("server", "enrol", "kiosk:?", "refused unknown_kiosk"),
    ]
    assert wrong(stocked) == []


def test_from_the_first_officer_on_nobody_acts_without_saying_who(stocked: LiveCity, run: Run, take_in: Run) -> None:
    assert "first_admin" in run("officer", "add", "Budi", "--role", "viewer", code=1)
    take_in("Ratna", "admin")
    for command in (["grant", PERIOD], ["report", "realisasi", "--period", PERIOD], ["init"], ["officer", "list"]):
        assert "no_officer" in run(*command, code=1)
    assert "no_passphrase" in run("grant", PERIOD, "--as", "Ratna", code=1)
    assert "leases" in run("grant", PERIOD, by="Ratna")
    assert "real_city" in run("practice", code=1)
    assert "real_city" in run("enrol", "EW-0001", "--practice", by="Ratna", code=1)
    assert [act.officer for act in written(stocked)][-1] == "Ratna"


def test_a_code_to_practise_with_ends_with_the_first_officer(city: LiveCity, run: Run, take_in: Run) -> None:
    """Else the six digits of a machine that it enrols are compared by nobody."""
    practice, real = (run("enrol", kiosk, *more).strip() for kiosk, *more in (("EW-0001", "--practice"), ("EW-0002",)))
    take_in("Ratna", "admin")
    with pytest.raises(PosError) as refused:
        enrolled(city.url, practice, city.clock)
    assert refused.value.reason == "code_unknown"
    with city.store.read() as tx:
        assert tx.one(schema.code, code_id=code_secret(real)[0], state="open") is not None


MAY: list[tuple[list[object], set[str]]] = [
    (["officer", "list"], {"Ratna", "Tuti"}),
    (["officer", "lock", "Sari"], {"Ratna"}),
    (["recover"], {"Ratna"}),
    (["grant", PERIOD], {"Ratna", "Heru"}),
    (["import-kiosks", SAMPLE / "kiosks.csv"], {"Ratna", "Heru"}),
    (["reset-pin", "EW-0001"], {"Ratna", "Heru"}),
    (["report", "kasus", "--period", PERIOD], {"Ratna", "Heru", "Tuti"}),
    (["report", "pdp", "EW-0001", "--reason", "aduan"], {"Ratna", "Heru", "Tuti"}),
    (["report", "audit"], {"Ratna", "Tuti"}),
    (["report", "realisasi", "--period", PERIOD], {"Ratna", "Heru", "Tuti", "Budi"}),
]


@pytest.mark.usefixtures("office")
@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_each_role_may_do_what_is_its_own(stocked: LiveCity, run: Run) -> None:
    for command, may in MAY:
        for name in ("Budi", "Tuti", "Heru", "Ratna"):
            said = run(*command, by=name, code=0 if name in may else 1)
            assert name in may or "role" in said, (command, name)
    said = [(act.officer, act.outcome) for act in written(stocked)][-4 * len(MAY) :]
    assert said == [
        (name, "done" if name in may else "refused role")
        for _, may in MAY
        for name in ("Budi", "Tuti", "Heru", "Ratna")
    ]


@pytest.mark.usefixtures("office")
def test_an_officer_of_one_kecamatan_has_its_kiosks_and_no_others(stocked: LiveCity, run: Run) -> None:
    with stocked.store.write() as tx:
        tx.change(schema.kiosk, {"kelurahan_code": "33.74.01.1001"}, device="EW-0001")
        tx.change(schema.kiosk, {"kelurahan_code": "33.74.010"}, device="EW-0002")
        inside, outside = (tx.all(schema.family, home=f"EW-000{number}")[0]["key"] for number in (1, 2))
        tx.change(schema.family, {"kelurahan_code": "33.74.01.1001"}, key=inside)
        tx.change(schema.family, {"kelurahan_code": "33.74.02.1001"}, key=outside)
    run("enrol", "EW-0001", by="Sari")
    for command in (["enrol", "EW-0002"], ["freeze", "EW-0002"], ["grant", PERIOD], ["report", "pdp", "EW-0002"]):
        assert "region" in run(*command, by="Sari", code=1, why="aduan")
    rows = json.loads(run("report", "realisasi", "--period", PERIOD, "--json", by="Sari"))
    assert {row["device"] for row in rows} == {"EW-0001"}
    assert inside in run("family", inside, by="Sari", why="aduan")
    assert "region" in run("family", outside, by="Sari", code=1, why="aduan")
    use = {"device": "EW-0001", "epoch": 1, "seq": 7, "commodity": "beras", "period": PERIOD, "unit": "g", "amount": 5}
    with stocked.store.write() as tx:
        tx.put(schema.hardship, [use])
    assert "region" in run("charge", "EW-0001", 1, 7, outside, by="Sari", code=1, why="aduan")
    with stocked.store.read() as tx:
        assert [row["family"] for row in tx.all(schema.hardship)] == [""]
    assert "unknown_family" in run("charge", "EW-0001", 1, 7, "K0", by="Sari", code=1, why="aduan")
    assert "charged" in run("charge", "EW-0001", 1, 7, inside, by="Sari", why="aduan")


@pytest.mark.usefixtures("office")
def test_whoever_looks_at_a_family_says_why_and_it_can_be_asked_who_did(stocked: LiveCity, run: Run) -> None:
    with stocked.store.read() as tx:
        row = tx.all(schema.family, "key", home="EW-0001")[0]
    assert "reason" in run("family", row["key"], by="Tuti", code=1)
    assert row["name"] in run("family", row["key"], by="Tuti", why="aduan jatah")
    assert "unknown_family" in run("family", by="Heru", why="aduan", stdin="3374010101010001\n", code=1)
    assert "nik" in run("family", by="Heru", why="aduan", stdin="33740101010100\n", code=1)
    run("report", "pdp", "EW-0001", by="Heru", why="kios hilang")
    run("report", "pdp", "EW-0002", by="Heru", why="kios hilang")
    run("report", "realisasi", "--period", PERIOD, by="Budi")
    found = json.loads(run("report", "audit", "--family", row["key"], "--json", by="Tuti"))
    assert [(act["officer"], act["command"], act["reason"]) for act in found] == [
        ("Tuti", "family", ""),
        ("Tuti", "family", "aduan jatah"),
        ("Heru", "report pdp", "kios hilang"),
        ("Tuti", "report audit", ""),
    ]
    found = json.loads(run("report", "audit", "--officer", "Budi", "--since", "2026-01-01", "--json", by="Tuti"))
    assert [act["command"] for act in found] == ["officer passphrase", "report realisasi"]
    assert json.loads(run("report", "audit", "--since", "2999-01-01", "--json", by="Tuti")) == []
    assert "since" in run("report", "audit", "--since", "kemarin", by="Tuti", code=1)


@pytest.mark.usefixtures("office")
def test_a_family_is_found_by_its_nik_which_goes_nowhere(stocked: LiveCity, run: Run) -> None:
    with SAMPLE.joinpath("families.csv").open(encoding="utf-8") as file:
        number = next(row["nik"] for row in csv.DictReader(file) if "JATAH" in row["programmes"])
    said = json.loads(run("family", "--period", PERIOD, "--json", by="Heru", why="aduan", stdin=number + "\n"))
    assert {right["commodity"] for right in said["rights"]} == {"beras", "gula", "minyak", "tepung"}
    assert number not in json.dumps(said)
    assert number.encode() not in stocked.content()
    assert written(stocked)[-1].subject == f"family:{said['key']}"


@pytest.mark.usefixtures("office")
def test_numbers_and_names_that_are_typed_in_the_wrong_place_do_not_stay(stocked: LiveCity, run: Run) -> None:
    nik = "3374014101801001"
    for command in (["family", nik], ["enrol", nik], ["grant", nik], ["officer", "lock", nik], ["officer", "add", nik]):
        run(*command, by="Ratna", why="aduan", code=1)
    for why in (f"NIK {nik}", "3374 0141 0180 1001", "x" * 201):
        assert "reason" in run("report", "pdp", "EW-0001", by="Ratna", why=why, code=1)
    assert "passphrase" in run("grant", PERIOD, by=nik, code=1)
    assert nik.encode() not in stocked.content()
    assert written(stocked)[-1].officer == "?"


@pytest.mark.usefixtures("office")
def test_wrong_passphrases_make_the_next_try_wait_and_a_lock_is_for_good(
    stocked: LiveCity, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1_795_496_400_000]

    def sign_in(passphrase: str) -> str:
        try:
            accounts.sign_in(stocked.store, "Heru", passphrase, now[0])
        except NotAuthorised as refused:
            return refused.reason
        return "in"

    assert [sign_in("salah") for _ in range(4)] == ["passphrase"] * 3 + ["officer_waits"]
    assert sign_in(CHOSEN) == "officer_waits", "nor does the right one help"
    now[0] += 1_000
    assert sign_in("salah") == "passphrase"
    now[0] += 1_000
    assert sign_in(CHOSEN) == "officer_waits"
    now[0] += 1_000
    assert sign_in(CHOSEN) == "in"
    assert [sign_in("salah") for _ in range(4)] == ["passphrase"] * 3 + ["officer_waits"]
    now[0] += 1_000
    assert sign_in(CHOSEN) == "in"
    run("officer", "lock", "Heru", by="Ratna")
    assert sign_in(CHOSEN) == "officer_locked"
    assert "last_admin" in run("officer", "lock", "Ratna", by="Ratna", code=1)
    run("officer", "unlock", "Heru", by="Ratna")
    assert "passphrase_new" in run("grant", PERIOD, by="Heru", code=1)


def test_who_has_not_chosen_a_passphrase_may_do_nothing_else(run: Run, tmp_path: Path, office: None) -> None:
    first = run("officer", "renew", "Heru", by="Ratna").split(": ")[1].strip()
    (tmp_path / "passphrase").write_text(first)
    assert "passphrase_new" in run("grant", PERIOD, by="Heru", code=1)
    short = tmp_path / "short"
    short.write_text("singkat")
    short.chmod(0o644)
    assert "key_exposed" in run("officer", "passphrase", "--new-file", short, by="Heru", code=1)
    short.chmod(0o600)
    assert "passphrase_short" in run("officer", "passphrase", "--new-file", short, by="Heru", code=1)
    short.write_text(first)
    assert "passphrase_same" in run("officer", "passphrase", "--new-file", short, by="Heru", code=1)
    assert "passphrase_new" in run("grant", PERIOD, by="Heru", code=1)
    short.write_text(CHOSEN)
    run("officer", "passphrase", "--new-file", short, by="Heru")
    (tmp_path / "passphrase").write_text(CHOSEN)
    run("grant", PERIOD, by="Heru")
    run("officer", "lock", "Heru", by="Ratna")
    run("officer", "unlock", "Heru", by="Ratna")
    assert "passphrase_same" in run("officer", "passphrase", "--new-file", short, by="Heru", code=1)


def test_an_office_whose_only_administrator_forgot_is_let_in_by_the_server_which_stays_written_down(
    stocked: LiveCity, run: Run, office: None
) -> None:
    assert "role" in run("officer", "rescue", "Heru", code=1)
    assert len(run("officer", "rescue", "Ratna").split(": ")[1].strip()) == 19
    act = written(stocked)[-1]
    assert (act.officer.partition(":")[0], act.command, act.subject) == ("server", "officer rescue", "officer:Ratna")


@pytest.mark.usefixtures("office")
def test_where_there_are_officers_two_names_sign_nothing_and_a_locked_ones_key_neither(
    stocked: LiveCity, run: Run, tmp_path: Path
) -> None:
    lost = ["lost", "EW-0001", 1]
    with stocked.store.write() as tx:
        tx.add(schema.epoch, [{"device": "EW-0001", "epoch": 1, "state": "frozen", "acked_hash": "00"}])
    two = ["--officer", "Ratna", "--officer", "Heru"]
    assert "officer_file" in run(*lost, *two, by="Ratna", why="dicuri", code=1)
    ratna, heru = tmp_path / "ratna.key", tmp_path / "heru.key"
    assert "own_key" in run("officer", "key", "Heru", heru, by="Ratna", code=1)
    run("officer", "key", "Ratna", ratna, by="Ratna")
    run("officer", "key", "Heru", heru, by="Heru")
    two = ["--officer", f"Ratna={ratna}", "--officer", f"Heru={heru}"]
    run("officer", "lock", "Heru", by="Ratna")
    assert "bad_signature" in run(*lost, *two, by="Ratna", why="dicuri", code=1)
    run("officer", "unlock", "Heru", by="Ratna")
    assert "leases released" in run(*lost, *two, by="Ratna", why="dicuri")


@pytest.mark.usefixtures("office")
def test_a_key_that_is_lost_is_dropped_by_an_administrator_and_made_anew(
    stocked: LiveCity, run: Run, tmp_path: Path
) -> None:
    lost = ["lost", "EW-0001", 1]
    with stocked.store.write() as tx:
        tx.add(schema.epoch, [{"device": "EW-0001", "epoch": 1, "state": "frozen", "acked_hash": "00"}])
    ratna, heru, anew = (tmp_path / f"{name}.key" for name in ("ratna", "heru", "anew"))
    run("officer", "key", "Ratna", ratna, by="Ratna")
    run("officer", "key", "Heru", heru, by="Heru")
    assert "officer_twice" in run("officer", "key", "Heru", anew, by="Heru", code=1)
    assert "role" in run("officer", "drop-key", "Heru", by="Heru", why="stik hilang", code=1)
    assert "reason" in run("officer", "drop-key", "Heru", by="Ratna", code=1)
    assert "signs nothing" in run("officer", "drop-key", "Heru", by="Ratna", why="stik hilang")
    assert "officer_no_key" in run("officer", "drop-key", "Heru", by="Ratna", why="stik hilang", code=1)
    act = written(stocked)[-2]
    said = (act.officer, act.command, act.subject, act.reason, act.outcome)
    assert said == ("Ratna", "officer drop-key", "officer:Heru", "stik hilang", "done")
    old = ["--officer", f"Ratna={ratna}", "--officer", f"Heru={heru}"]
    assert "bad_signature" in run(*lost, *old, by="Ratna", why="dicuri", code=1)
    run("officer", "key", "Heru", anew, by="Heru")
    assert "bad_signature" in run(*lost, *old, by="Ratna", why="dicuri", code=1)
    new = ["--officer", f"Ratna={ratna}", "--officer", f"Heru={anew}"]
    assert "leases released" in run(*lost, *new, by="Ratna", why="dicuri")


@pytest.mark.usefixtures("office")
def test_a_case_is_handled_in_the_name_of_whoever_proved_it(stocked: LiveCity, run: Run) -> None:
    which = ("EW-0001", 1, 5, "PRICE_MISMATCH")
    with stocked.store.write() as tx:
        tx.add(schema.case, [{"device": "EW-0001", "epoch": 1, "seq": 5, "reason": which[3], "state": "open"}])
        tx.change(schema.kiosk, {"kelurahan_code": "33.74.02.1001"}, device="EW-0001")
    assert "officer_other" in run("case", "answer", *which, "--why", "salah", "--by", "Ratna", by="Heru", code=1)
    assert "answered by Heru" in run("case", "answer", *which, "--why", "salah ketik", by="Heru")
    assert "role" in run("case", "close", *which, "--why", "cocok", by="Tuti", code=1)
    assert "PRICE_MISMATCH" in run("case", "list", by="Tuti")
    assert "PRICE_MISMATCH" not in run("case", "list", by="Sari")


@pytest.mark.usefixtures("office")
def test_no_case_is_given_to_somebody_who_is_no_officer_at_work(stocked: LiveCity, run: Run) -> None:
    which = ("EW-0001", 1, 5, "PRICE_MISMATCH")
    with stocked.store.write() as tx:
        tx.add(schema.case, [{"device": "EW-0001", "epoch": 1, "seq": 5, "reason": which[3], "state": "open"}])
    assert "officer_unknown" in run("case", "owner", "Hero", by="Ratna", code=1)
    assert "officer_unknown" in run("case", "assign", *which, "--to", "Hero", by="Ratna", code=1)
    run("case", "owner", "Heru", by="Ratna")
    run("case", "owner", " Heru ", "--kiosk", "EW-0002", by="Ratna")
    said = run("officer", "lock", "Heru", by="Ratna").splitlines()
    assert said == [
        "Heru: locked",
        '1 open cases are hers: `case list --open --owner "Heru"`, then `case assign`',
        "new cases are still hers (*, EW-0002): say whose with `case owner`",
    ]
    assert "officer_unknown" in run("case", "assign", *which, "--to", "Heru", by="Ratna", code=1)
    run("case", "assign", *which, "--to", "Ratna", by="Ratna")
    run("case", "owner", "Ratna", by="Ratna")
    run("case", "owner", "Ratna", "--kiosk", "EW-0002", by="Ratna")
    run("officer", "unlock", "Heru", by="Ratna")
    assert run("officer", "lock", "Heru", by="Ratna") == "Heru: locked\n"


def test_a_passphrase_out_of_an_editor_is_the_same_and_one_that_is_no_text_is_said(
    run: Run, take_in: Run, tmp_path: Path
) -> None:
    take_in("Ratna", "admin")
    held = tmp_path / "passphrase"
    held.write_bytes(b"\xef\xbb\xbf" + CHOSEN.encode() + b"\r\n")
    assert "Ratna: admin" in run("officer", "list", by="Ratna")
    held.write_bytes(CHOSEN.encode("utf-16"))
    assert "no_passphrase" in run("officer", "list", by="Ratna", code=1)


def test_a_name_with_a_space_too_many_is_nobodys(run: Run) -> None:
    """Her key and her cases would be those of the name without it, who is no officer."""
    for name in ("Ratna W. ", "Ratna  W."):
        assert "officer_name" in run("officer", "add", name, "--role", "admin", code=1)
    run("officer", "add", "Ratna W.", "--role", "admin")


def test_an_officer_charges_while_a_kiosk_is_told_something(stocked: LiveCity, run: Run) -> None:
    """She waits for it, and does not lose to it."""
    told, ended = threading.Event(), threading.Event()

    def tell(tx: Tx) -> None:
        feed.tell(tx, "EW-0001", [("register", "")])
        told.set()
        ended.wait(1)

    busy = threading.Thread(target=lambda: stocked.store.turn("EW-0001", tell))
    busy.start()
    try:
        assert told.wait(10)
        assert "unknown_use" in run("charge", "EW-0001", 1, 1, "K0000000000000000", code=1)
    finally:
        ended.set()
        busy.join()


# --- the chain ------------------------------------------------------------------------------------------------------


def test_nobody_changes_or_removes_what_was_written(stocked: LiveCity, run: Run) -> None:
    run("grant", PERIOD)
    for statement in ("UPDATE audit SET officer = 'x'", "DELETE FROM audit"):
        with pytest.raises(Exception, match="only added to"), stocked.store._engine.begin() as connection:
            connection.execute(text(statement))
    assert len(written(stocked)) == 1


EDITS = {
    "audit_hash": "UPDATE audit SET body = (SELECT body FROM audit WHERE seq = 1) WHERE seq = 3",
    "audit_signature": "UPDATE audit SET signature = (SELECT signature FROM audit WHERE seq = 1) WHERE seq = 3",
    "audit_row": "UPDATE audit SET officer = 'Budi' WHERE seq = 3",
    "audit_gap": "DELETE FROM audit WHERE seq = 3",
    "audit_cut": "DELETE FROM audit WHERE seq > 3",
}


@pytest.mark.parametrize("what", EDITS)
def test_whoever_gets_past_that_is_found(stocked: LiveCity, run: Run, what: str) -> None:
    for _ in range(3):
        run("grant", PERIOD)
    assert wrong(stocked) == []
    behind_the_guards(stocked, EDITS[what])
    assert wrong(stocked) == [(6 if what == "audit_cut" else 3, what)]
    said = run("verify", code=1)
    assert what in said


def behind_the_guards(city: LiveCity, statement: str) -> None:
    with city.store._engine.begin() as connection:
        if city.store.shared:
            connection.execute(text("ALTER TABLE audit DISABLE TRIGGER ALL"))
        else:
            for verb in ("update", "delete"):
                connection.execute(text(f"DROP TRIGGER audit_stays_{verb}"))
        connection.execute(text(statement))


def test_a_cut_stays_known_after_the_next_act_and_a_restored_copy_explains_it(stocked: LiveCity, run: Run) -> None:
    for _ in range(3):
        run("grant", PERIOD)
    with stocked.store.read() as tx:
        kept = " ".join(map(str, audit.head(tx)))
    assert "sound" in run("verify", "--audit-head", kept)
    behind_the_guards(stocked, "DELETE FROM audit WHERE seq > 2")
    run("recover")
    assert wrong(stocked) == [], "a copy was put back, and somebody said so"
    assert "audit_cut" in run("verify", "--audit-head", kept, code=1), "who kept the head elsewhere sees it anyway"
    behind = "DELETE FROM audit WHERE seq > 1"
    with stocked.store._engine.begin() as connection:
        connection.execute(text(behind))
    run("grant", PERIOD)
    assert wrong(stocked) == [(2, "audit_cut")]
    assert written(stocked)[-2].command == audit.CUT
    for bad in ("x", "1 00"):
        assert "audit_head" in run("verify", "--audit-head", bad, code=1)


def test_an_act_whose_end_never_came_has_no_outcome(stocked: LiveCity) -> None:
    act = Act(0, 1, "Ratna", "admin", "grant", "")
    begun = audit.begin(stocked.store, stocked.keys, stocked.data_dir, act)
    assert [each.outcome for each in written(stocked)] == [""]
    audit.end(stocked.store, stocked.keys, stocked.data_dir, begun, 2, "", "done")
    assert [each.outcome for each in written(stocked)] == ["done"]
    assert wrong(stocked) == []


def test_an_act_is_written_before_anything_is_shown(
    stocked: LiveCity, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Act] = []

    def look(*_: object) -> None:
        seen.extend(written(stocked))
        raise ZeroDivisionError

    monkeypatch.setattr("ewarung_city.breach.inventory_of", look)
    run("report", "pdp", "EW-0001", code=1)
    assert [(act.command, act.outcome) for act in seen] == [("report pdp", "")]
    assert written(stocked)[-1].outcome == "failed"


def test_a_part_of_the_city_ends_at_a_point() -> None:
    sari = Officer("Sari", Role.OFFICER, "33.74.01")
    assert sari.covers("33.74.01.1001")
    assert sari.covers("33.74.01")
    assert not sari.covers("33.74.010.1001")
    assert Officer("Heru", Role.OFFICER).covers("")
    assert msgspec.json.decode(msgspec.json.encode(sari), type=Officer) == sari
    assert {right for right in Right if Officer("x", Role.ADMIN).may(right)} == set(Right)
