"""Rare ends of the line: restored databases and disks, a slow page, a journal that was touched, a city out of order."""

from __future__ import annotations

import shutil
import socket
import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from ewarung_city import feed
from ewarung_city.store import schema
from ewarung_city.verify import verify
from ewarung_pos.domain.journal import Sealed
from ewarung_pos.domain.state import StatePage
from ewarung_pos.errors import ConfigError, ProtocolMismatch, ServerUnreachable, Unauthorised
from ewarung_pos.ledger.database import open_ledger
from ewarung_pos.ledger.queries import Queries
from ewarung_pos.sync.client import Line
from ewarung_pos.sync.engine import SyncEngine
from ewarung_pos.sync.enrolment import enrol
from ewarung_pos.sync.protocol import NONCE_HEADER
from ewarung_pos.sync.signing import new_key, public_of, sign_response
from tests.integration.city.city_kit import LEDGER_KEY, Cities, LiveCity, Till, Wire, answering, request_of
from tests.integration.city.test_line import serve_some


def test_a_city_restored_from_a_backup_gets_everything_again(
    city: LiveCity, till: Till, cities: Cities, monkeypatch: pytest.MonkeyPatch
) -> None:
    till.drain()
    city.stop()
    city.store.close()
    restored = cities.copy_of(city, "backup")
    city.start()
    till.reconnect(city.url)
    serve_some(till, 3)
    till.drain()
    acked = till.ledger.read().head().acked_seq
    city.close()

    monkeypatch.setattr("ewarung_pos.sync.outgoing.BATCH_ENTRIES", 2)
    restored.start()
    assert restored.epoch()["acked_seq"] < acked
    till.reconnect(restored.url)
    for _ in range(8):
        assert till.engine.step().code == ""
    head = till.ledger.read().head()
    assert restored.epoch()["acked_seq"] >= acked
    with restored.store.read() as tx:
        assert tx.count(schema.redemption) == 3
        assert verify(tx) == []
    assert head.unsent == 0


def test_a_till_restored_from_an_old_disk_image_is_found_before_any_new_right(
    city: LiveCity, till: Till, tmp_path: Path
) -> None:
    till.drain()
    serve_some(till, 1)
    till.drain()
    till.close()
    image = tmp_path / "image"
    shutil.copytree(till.data_dir, image)
    till.ledger = open_ledger(till.data_dir, LEDGER_KEY, till.clock)
    till.reconnect(city.url)
    serve_some(till, 2)
    till.drain()

    till.clock.wait(60_000)  # a disk is not changed in no time
    old = open_ledger(image, LEDGER_KEY, till.clock)
    engine = SyncEngine(old, till.clock, city.url)
    before = old.read().head()
    for _ in range(2):
        report = engine.step()
        assert (report.code, report.reason, report.sent, report.received) == ("unauthorised", "fork", 0, 0)
    assert old.read().head() == before
    assert city.epoch()["mode"] == "upload_only"
    engine.close()
    old.close()

    report = till.engine.step()  # the true one learns it at its next HELLO; what it served still goes up
    till.clock.wait(11 * 60_000)
    serve_some(till, 1)
    report = till.engine.step()
    assert (report.code, report.reason) == ("unauthorised", "fork")
    assert report.sent > 0
    assert report.received == 0


def test_a_touched_journal_is_named_here_and_not_sent(
    city: LiveCity, till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    till.drain()
    serve_some(till, 2)
    acked = till.ledger.read().head().acked_seq
    true = Queries.sealed

    def touched(self: Queries, after: int, limit: int, size: int) -> tuple[Sealed, ...]:
        rows = true(self, after, limit, size)
        if len(rows) < 2:
            return rows
        return (rows[0], Sealed(rows[1].seq, rows[1].body + b" ", rows[1].prev_hash, rows[1].hash), *rows[2:])

    monkeypatch.setattr(Queries, "sealed", touched)
    report = till.engine.step()
    assert (report.code, report.reason, report.sent) == ("chain_broken", "before_sending", 0)
    assert city.epoch()["acked_seq"] == acked


def test_state_never_goes_back(till: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    till.drain()
    monkeypatch.setattr(feed, "page_for", lambda *_: StatePage(cursor=1))
    report = till.engine.step()
    assert (report.code, report.reason, report.received) == ("protocol_mismatch", "downgrade", 0)


def test_a_page_that_contradicts_what_is_held_changes_nothing(
    city: LiveCity, till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    till.drain()
    with city.store.write() as tx:
        tx.change(schema.lease, {"unit": "pc"}, device="EW-0001", commodity="beras")
        families = [row["key"] for row in tx.all(schema.family, home="EW-0001")]
        feed.tell(tx, "EW-0001", [("rights", f"{family}|2026-11") for family in families])
    before = till.ledger.read().head()
    report = till.engine.step()
    assert (report.code, report.received) == ("protocol_mismatch", 0)
    assert till.ledger.read().head() == before


def test_a_lease_below_nothing_is_not_taken(city: LiveCity, till: Till) -> None:
    till.drain()
    with city.store.write() as tx:
        lease = tx.all(schema.lease, "family", device="EW-0001", commodity="beras")[0]
        family = lease["family"]
        tx.add(schema.lease, [{**lease, "commodity": "telur", "granted": -5}])
        feed.tell(tx, "EW-0001", [("rights", f"{family}|2026-11")])
    before = till.ledger.read().head()
    report = till.engine.step()
    assert (report.code, report.reason, report.received) == ("protocol_mismatch", "page", 0)
    assert till.ledger.read().head() == before


def test_a_page_that_is_none_is_not_taken(till: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "page_for", lambda *_: {"cursor": "x"})
    report = till.engine.step()
    assert (report.code, report.reason, report.received) == ("protocol_mismatch", "body", 0)


def test_a_certificate_of_somebody_else_is_no_line(till: Till, tmp_path: Path, wires: Callable[..., Wire]) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate(tmp_path / "theirs.pem"))

    def secured(connection: socket.socket) -> None:
        with suppress(OSError), context.wrap_socket(connection, server_side=True) as line:
            line.recv(1)

    till.engine.close()
    url = wires(secured).url.replace("http://", "https://")
    engine = SyncEngine(till.ledger, till.clock, url, str(certificate(tmp_path / "ours.pem")))
    report = engine.step()
    assert (report.code, report.reason) == ("server_unreachable", "tls")
    engine.close()


def certificate(path: Path) -> Path:
    """A self-made certificate for 127.0.0.1, with its key."""
    key = Ed25519PrivateKey.generate()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, path.stem)])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2100, 1, 1, tzinfo=UTC))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, None)
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(private + made.public_bytes(Encoding.PEM))
    return path


def test_a_ledger_without_keys_is_told_to_enrol(till: Till) -> None:
    with till.ledger.write() as uow:
        uow.execute("DELETE FROM secret WHERE name = 'city_key'")
    report = SyncEngine(till.ledger, till.clock, till.url).step()
    assert (report.code, report.reason) == ("config", "not_enrolled")


def test_a_certificate_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        Line("https://kota.example", str(tmp_path / "ca.pem"))


def test_an_answer_that_drips_is_given_up(
    till: Till, wires: Callable[..., Wire], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ewarung_pos.sync.client.ANSWER_SECONDS", 0.2)
    monkeypatch.setattr("ewarung_pos.sync.client._CHUNK", 1)

    def drip(connection: socket.socket) -> None:
        request_of(connection)
        try:
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
            for _ in range(40):
                connection.sendall(b".")
                time.sleep(0.02)
        except OSError:
            return

    till.reconnect(wires(drip).url)
    report = till.engine.step()
    assert (report.code, report.reason) == ("server_unreachable", "timeout")


# --- enrolling with something that is not in order ---------------------------------------------------------------


def ask(url: str, code: str, now_s: Callable[[], int]) -> None:
    enrol(url, code, "0.1.0", now_s=now_s, sleep=lambda _: None)


def test_a_city_with_a_card_key_of_the_wrong_size(city: LiveCity, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ewarung_city.enrolment.wrap", _wrap_half)
    with pytest.raises(ProtocolMismatch):
        ask(city.url, city.code(), lambda: city.clock.ms // 1000)


def _wrap_half(public: bytes, secret: bytes, context: str) -> bytes:
    from ewarung_pos.sync.signing import wrap

    return wrap(public, secret[:16], context)


def test_an_answer_of_another_version_is_refused(wires: Callable[..., Wire]) -> None:
    key = new_key()

    def another(connection: socket.socket) -> None:
        request = request_of(connection).decode("latin-1")
        nonce = request.partition('nonce="')[2].partition('"')[0]
        body = b'{"city_key":"%s"}' % public_of(key).hex().encode()
        headers = {NONCE_HEADER: nonce}
        sign_response(200, headers, body, key, "city", 1)
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        connection.sendall(
            f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n{lines}\r\n".encode()
            + body
        )

    with pytest.raises(ProtocolMismatch):
        ask(wires(another).url, "0000-0000-0000-0000", lambda: 1)


def test_no_content_is_no_answer(wires: Callable[..., Wire]) -> None:
    nothing = wires(answering(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"))
    with pytest.raises(ProtocolMismatch):
        ask(nothing.url, "0000-0000-0000-0000", lambda: 1)


def test_a_line_that_is_not_there_costs_no_code(city: LiveCity) -> None:
    code = city.code()
    with pytest.raises(ServerUnreachable):
        ask("http://127.0.0.1:1", code, lambda: city.clock.ms // 1000)
    ask(city.url, code, lambda: city.clock.ms // 1000)
    with pytest.raises(Unauthorised):
        ask(city.url, code, lambda: city.clock.ms // 1000)
