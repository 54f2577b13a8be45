"""A real server that fails in every way, and what becomes of a message."""

import datetime as dt
import ipaddress
import logging
import socket
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from ledger.errors import InputError
from serving.export.courier import Patience, checked
from serving.export.signature import is_signed
from tests.serving.export.receiver import (
    NOW,
    SECRET,
    Pauses,
    Reply,
    Silence,
    courier_to,
    drip,
    endless,
    endless_headers,
    hang_up,
    hang_up_amid_the_body,
    hang_up_amid_the_headers,
    nonsense,
    serving,
    status,
)

BODY = b'{"adds":[{"customer_id":"anna-4711"}]}'
SHORT = Patience(timeout_s=0.2)


def test_a_message_arrives_as_it_was_with_its_name_and_a_valid_signature() -> None:
    with serving() as receiver:
        courier_to(receiver.url).post("msg_1", BODY)
    (got,) = receiver.received
    assert (got.path, got.body) == ("/hook?key=hidden", BODY)
    assert got.headers["content-type"] == "application/json"
    assert got.headers["idempotency-key"] == got.headers["webhook-id"] == "msg_1"
    assert is_signed(SECRET, got.headers, got.body, NOW)


@pytest.mark.parametrize("code", [200, 201, 202, 204])
def test_every_2xx_accepts(code: int) -> None:
    with serving([status(code)]) as receiver:
        courier_to(receiver.url).post("msg_1", BODY)
    assert len(receiver.received) == 1


@pytest.mark.parametrize(
    "failure",
    [
        *(status(code) for code in (500, 502, 503, 504, 408, 429)),
        *(hang_up, hang_up_amid_the_headers, nonsense, endless_headers),
    ],
    ids=["500", "502", "503", "504", "408", "429", "hang-up", "amid headers", "nonsense", "endless headers"],
)
def test_what_may_pass_is_tried_again_with_the_same_name_and_a_new_signature(failure: Reply) -> None:
    pauses = Pauses()
    with serving([failure, failure]) as receiver:
        courier_to(receiver.url, pauses).post("msg_1", BODY)
    assert [got.headers["webhook-id"] for got in receiver.received] == ["msg_1"] * 3
    assert [got.body for got in receiver.received] == [BODY] * 3
    assert pauses.slept == [1.0, 2.0]
    sent = [int(got.headers["webhook-timestamp"]) for got in receiver.received]
    assert [each - sent[0] for each in sent] == [0, 1, 3]
    assert all(
        is_signed(SECRET, got.headers, BODY, NOW + dt.timedelta(seconds=5)) for got in receiver.received
    )


def test_a_connection_is_kept_until_it_fails_and_what_follows_goes_over_another() -> None:
    silence = Silence()
    with serving([status(204), status(503), silence], keeps=True) as receiver:
        with courier_to(receiver.url, patience=SHORT) as courier:
            for name in ("msg_1", "msg_2", "msg_3"):
                courier.post(name, BODY)
        silence.over.set()
    names = [got.headers["webhook-id"] for got in receiver.received]
    assert names == ["msg_1", "msg_2", "msg_2", "msg_2", "msg_3"]
    first, then = receiver.received[0].connection, receiver.received[3].connection
    assert [got.connection for got in receiver.received] == [first, first, first, then, then]
    assert first != then


def test_an_answer_slower_than_the_time_out_is_tried_again() -> None:
    silence = Silence()
    with serving([silence]) as receiver:
        courier_to(receiver.url, patience=SHORT).post("msg_1", BODY)
        silence.over.set()
    assert len(receiver.received) == 2


def test_an_answer_that_drips_is_left_when_the_try_has_lasted_too_long() -> None:
    with serving([drip]) as receiver:
        courier_to(receiver.url, patience=Patience(longest_try_s=0.2)).post("msg_1", BODY)
    assert len(receiver.received) == 2


def test_a_receiver_that_never_answers_is_given_up_and_the_line_says_how_long_it_had() -> None:
    silence = Silence()
    with serving([silence, silence]) as receiver:
        courier = courier_to(receiver.url, patience=Patience(tries=2, timeout_s=0.2))
        with pytest.raises(InputError) as told:
            courier.post("msg_1", BODY)
        silence.over.set()
    assert str(told.value) == "127.0.0.1 did not take the delivery after 2 tries: no answer within 0.2 s"


def test_pauses_double_up_to_the_longest_and_then_it_is_given_up() -> None:
    pauses = Pauses()
    with serving([status(500)] * 6) as receiver, pytest.raises(InputError) as told:
        courier_to(receiver.url, pauses, Patience(longest_pause_s=5.0)).post("msg_1", BODY)
    assert pauses.slept == [1.0, 2.0, 4.0, 5.0, 5.0]
    assert len(receiver.received) == 6
    assert str(told.value) == (
        "127.0.0.1 did not take the delivery after 6 tries: it answered 500 Internal Server Error"
    )


def test_chance_takes_up_to_half_of_a_pause_so_that_callers_spread() -> None:
    pauses = Pauses(random=0.0)
    with serving([status(500)] * 2) as receiver:
        courier_to(receiver.url, pauses).post("msg_1", BODY)
    assert pauses.slept == [0.5, 1.0]


@pytest.mark.parametrize(
    ("asked", "slept"),
    [
        ("30", 30.0),
        ("Mon, 01 Jul 2024 12:01:00 GMT", 60.0),
        ("0", 1.0),
        ("Mon, 01 Jul 2024 11:00:00 GMT", 1.0),
        ("soon", 1.0),
        ("-5", 1.0),
        ("", 1.0),
    ],
)
def test_a_pause_that_the_receiver_asks_for_is_kept(asked: str, slept: float) -> None:
    pauses = Pauses()
    with serving([status(429, retry_after=asked)]) as receiver:
        courier_to(receiver.url, pauses).post("msg_1", BODY)
    assert pauses.slept == [slept]


def test_whoever_asks_for_an_hour_is_left_alone_and_the_line_says_so() -> None:
    pauses = Pauses()
    with serving([status(503, retry_after="3600")]) as receiver, pytest.raises(InputError) as told:
        courier_to(receiver.url, pauses).post("msg_1", BODY)
    assert str(told.value) == "127.0.0.1 asks to be left alone for 3600 s; run the same command then"
    assert (len(receiver.received), pauses.slept) == (1, [])


@pytest.mark.parametrize("code", [400, 401, 403, 404, 409, 410, 413, 422])
def test_what_will_not_pass_is_given_up_at_once(code: int) -> None:
    pauses = Pauses()
    with serving([status(code)]) as receiver, pytest.raises(InputError, match=f"it answered {code}"):
        courier_to(receiver.url, pauses).post("msg_1", BODY)
    assert (len(receiver.received), pauses.slept) == (1, [])


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(code: int) -> None:
    told = pytest.raises(InputError, match="redirects are not followed; give its final address")
    with serving() as elsewhere, serving([status(code, location=elsewhere.url)]) as receiver, told:
        courier_to(receiver.url).post("msg_1", BODY)
    assert (len(receiver.received), elsewhere.received) == (1, [])


@pytest.mark.parametrize("answer", [endless, hang_up_amid_the_body], ids=["endless", "broken off"])
def test_what_follows_an_acceptance_is_not_read(answer: Reply) -> None:
    with serving([answer]) as receiver:
        courier_to(receiver.url, patience=SHORT).post("msg_1", BODY)
    assert len(receiver.received) == 1


def test_nobody_there_is_tried_again_and_then_told() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: whoever calls is refused
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/hook"
        pauses = Pauses()
        with pytest.raises(InputError, match=r"after 3 tries: the connection failed \(ConnectError\)"):
            courier_to(url, pauses, Patience(tries=3)).post("msg_1", BODY)
    assert pauses.slept == [1.0, 2.0]


def test_no_proxy_stands_between_this_machine_and_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    with serving() as proxy, serving() as receiver:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        courier_to(receiver.url).post("msg_1", BODY)
    assert (len(receiver.received), proxy.received) == (1, [])


def untrusted(directory: Path) -> ssl.SSLContext:
    """Return TLS with a certificate that nobody vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(dt.datetime(2024, 1, 1, tzinfo=dt.UTC))
        .not_valid_after(dt.datetime(2124, 1, 1, tzinfo=dt.UTC))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    path = directory / "untrusted.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


def test_a_certificate_that_nobody_vouches_for_ends_it_before_a_word_is_said(tmp_path: Path) -> None:
    pauses = Pauses()
    with serving(context=untrusted(tmp_path)) as receiver, pytest.raises(InputError) as told:
        courier_to(receiver.url, pauses).post("msg_1", BODY)
    assert str(told.value) == "127.0.0.1 did not take the delivery: its certificate cannot be verified"
    assert (receiver.received, pauses.slept) == ([], [])


def test_tls_to_a_receiver_without_it_is_tried_again_and_then_told() -> None:
    with serving() as receiver, pytest.raises(InputError, match="after 2 tries: the connection failed"):
        courier_to(receiver.url.replace("http:", "https:"), patience=Patience(tries=2)).post("msg_1", BODY)
    assert receiver.received == []


def test_neither_secret_nor_address_nor_body_is_logged_or_told(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with serving([status(200), status(410)]) as receiver:
        courier_to(receiver.url).post("msg_1", BODY)
        with pytest.raises(InputError) as told:
            courier_to(receiver.url).post("msg_1", BODY)
    said = f"{caplog.text} {told.value} {SECRET} {SECRET!r}"
    for private in ("hidden", "/hook", "anna-4711", "thirty-two"):
        assert private not in said
    assert not logging.getLogger("httpx").disabled


@pytest.mark.parametrize(
    "url",
    [
        "http://shop.example/hook",
        "http://10.0.0.1/hook",
        "http://localhost.shop.example/hook",
        "ftp://shop.example/hook",
        "file:///etc/passwd",
        "https:///hook",
        "shop.example/hook",
        "",
        "https://user:password@shop.example/hook",
        "https://shop.example/hook#part",
        "https://[::1",
        "https://shop.example:99999999/",
    ],
)
def test_an_address_that_is_not_safe_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(InputError, match=r"^--url: ") as told:
        checked(url)
    assert "password" not in str(told.value).replace("user, password and", "")


@pytest.mark.parametrize(
    "url",
    ["https://shop.example/hook?key=1", "http://127.0.0.1:8000/", "http://localhost/", "http://[::1]:80/x"],
)
def test_https_and_this_machine_are_taken(url: str) -> None:
    assert str(checked(url)) == url.replace(":80/x", "/x")
