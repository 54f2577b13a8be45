"""Asking a PostgreSQL database: what its answer looks like as CSV, and what is said when there is none."""

import csv
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.engine import open_engine
from ledger.errors import InputError
from ledger.importers.csv_fast import fast_csv
from ledger.importers.database import fetch, safe_name
from ledger.readings import FLAG, INSTANT, MONEY, Reading
from tests.ledger.postgres import PASSWORD, PASSWORD_IN_URL, Server, running_server, server_binaries

ROWS_TO_STREAM = 1_000_000
NOT_GIVEN = "it asks for a password; give it in the URL, in PGPASSWORD or in ~/.pgpass"
NOTHING_LISTENS = "nothing listens there; check host and port"
NO_SELECT = "the query is not a SELECT; give one that only reads"
STOPPED = "the query fails after {} rows: {}; nothing was imported"
MEMORY_ALLOWED_MIB = 16  # above what the same takes for ten rows; the million rows are 40 MB as text


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    binaries = server_binaries()
    if binaries is None:
        pytest.skip("no PostgreSQL server is installed; on Debian and Ubuntu: apt install postgresql")
    with running_server(binaries) as running:
        running.execute("CREATE TABLE orders (customer_id text, net_amount numeric(10, 2))")
        running.execute("INSERT INTO orders VALUES ('bob@example.com', 12.50), ('eve@example.com', 3)")
        running.execute("CREATE ROLE stranger LOGIN PASSWORD 'stranger'")
        yield running


def _silent(what: str, share: float) -> None:
    """Tell nobody."""


def _rows(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as handle:
        return list(csv.reader(handle, strict=True))


def _error(url: str, query: str, into: Path) -> str:
    with pytest.raises(InputError) as caught:
        fetch(url, query, into, _silent)
    text = str(caught.value)
    assert list(into.iterdir()) == []
    assert "\n" not in text
    assert PASSWORD not in text
    assert PASSWORD_IN_URL not in text
    assert caught.value.__cause__ is None  # which would tell what the driver said
    return text


def test_an_answer_is_a_csv_file_with_its_columns_and_rows_in_order(server: Server, tmp_path: Path) -> None:
    path = fetch(
        server.url, "SELECT customer_id, net_amount FROM orders ORDER BY net_amount;", tmp_path, _silent
    )

    assert path.parent == tmp_path
    assert _rows(path) == [
        ["customer_id", "net_amount"],
        ["eve@example.com", "3.00"],
        ["bob@example.com", "12.50"],
    ]


@pytest.mark.parametrize(
    ("sql", "reading", "text", "value"),
    [
        ("timestamptz '2024-01-31 13:05:00-05'", INSTANT, "2024-01-31 18:05:00+00", "2024-01-31 18:05:00+00"),
        ("timestamptz '2024-01-31 18:05:00.1+05:30'", INSTANT, "2024-01-31 12:35:00.1+00", "2024-01-31 12:35:00.1+00"),
        ("timestamp '2024-01-31 18:05:00'", INSTANT, "2024-01-31 18:05:00", "2024-01-31 17:05:00+00"),
        ("date '2024-01-31'", INSTANT, "2024-01-31", "2024-01-30 23:00:00+00"),
        ("true", FLAG, "t", "true"),
        ("false", FLAG, "f", "false"),
        ("12.345::numeric(12, 3)", MONEY, "12.345", "1234"),
        ("-0.1::float8", MONEY, "-0.1", "-10"),
        ("7::bigint", MONEY, "7", "700"),
        ("timestamp 'infinity'", INSTANT, "infinity", None),
        ("'NaN'::numeric", MONEY, "NaN", None),
        ("12.5::numeric::money", MONEY, "$12.50", None),
    ],
)  # fmt: skip
def test_the_types_of_a_database_are_read_from_their_text_in_utc_and_iso_or_refused(  # noqa: PLR0913 - a table's columns
    server: Server, tmp_path: Path, *, sql: str, reading: Reading, text: str, value: str | None
) -> None:
    path = fetch(server.url, f"SELECT {sql} AS a, 1 AS b", tmp_path, _silent)
    assert _rows(path)[1][0] == text

    expression = reading.sql.format(text="given", zone="Europe/Berlin", currency="EUR")
    with open_engine() as engine:
        read = engine.execute(
            f"SELECT CAST({expression} AS VARCHAR) FROM (SELECT $text AS given)", {"text": text}
        )
        assert read.fetchall() == [(value,)]


def test_null_and_empty_text_are_both_empty_and_quotes_line_breaks_and_unicode_survive(
    server: Server, tmp_path: Path
) -> None:
    query = (
        """SELECT NULL AS a, '' AS b, 'say "x", é€𝄞' AS c, E'two\\nlines\\\\' AS d, '\\.' AS e -- as it is"""
    )

    assert _rows(fetch(server.url, query, tmp_path, _silent))[1] == [
        "",
        "",
        'say "x", é€𝄞',
        "two\nlines\\",
        "\\.",
    ]


def test_an_answer_without_line_breaks_is_read_the_fast_way(server: Server, tmp_path: Path) -> None:
    path = fetch(
        server.url, "SELECT customer_id, net_amount, NULL AS product_id FROM orders", tmp_path, _silent
    )

    fast = fast_csv(path)

    assert fast is not None
    with open_engine() as engine:
        assert engine.execute(f"SELECT {fast.proof} FROM ({fast.sql})").fetchall() == [(True,)]


def test_a_password_may_come_from_the_environment_as_everywhere_else(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    url = f"postgres://owner@127.0.0.1:{server.port}/postgres"

    assert _rows(fetch(url, "TABLE orders", tmp_path, _silent))[0] == ["customer_id", "net_amount"]


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("SELECT *\nFORM orders", 'the query fails at line 2, column 1: syntax error at or near "FORM"'),
        ("SELECT * FROM nowhere", 'the query fails at line 1, column 15: relation "nowhere" does not exist'),
        ("SELECT 'it''s", "the query fails at line 1, column 8: syntax error (42601)"),
        ("SELECT 'bob@example.com'::int", "the query fails at line 1, column 8: invalid text representation (22P02)"),
        ("SELECT 1; DROP TABLE orders", "the query is more than one statement; give one SELECT"),
        ("SELECT 1) TO STDOUT; --", 'the query fails at line 1, column 9: syntax error at or near ")"'),
        ("SELECT $1::int", "the query has a placeholder such as $1; write the value itself"),
        ("INSERT INTO orders VALUES ('x', 1)", NO_SELECT),
        ("DELETE FROM orders RETURNING *", NO_SELECT),
        ("WITH gone AS (DELETE FROM orders RETURNING *) TABLE gone", NO_SELECT),
        ("SHOW ALL", NO_SELECT),
        ("-- nothing", NO_SELECT),
        (" ; ", "a query is needed: --query 'SELECT customer_id, ... FROM ...'"),
        ("SELECT * FROM orders WHERE false", "the query gives no rows; nothing was imported"),
        ('SELECT 1 AS a, 2 AS "A "', "the query gives the column 'a' twice; name each with AS"),
        ("SELECT customer_id::int FROM orders", STOPPED.format(0, "invalid text representation (22P02)")),
        ("SELECT 1 / (5 - n) FROM generate_series(1, 9) n", STOPPED.format(4, "division by zero (22012)")),
    ],
)  # fmt: skip
def test_a_query_that_cannot_be_taken_is_told_with_its_place_and_without_a_value(
    server: Server, tmp_path: Path, query: str, said: str
) -> None:
    assert _error(server.url, query, tmp_path) == f"postgresql://127.0.0.1:{server.port}/postgres: {said}"


def test_nothing_is_changed_by_a_query(server: Server, tmp_path: Path) -> None:
    _error(server.url, "WITH gone AS (DELETE FROM orders RETURNING *) SELECT * FROM gone", tmp_path)

    assert _rows(fetch(server.url, "SELECT count(*) AS n, 1 AS b FROM orders", tmp_path, _silent))[1] == [
        "2",
        "1",
    ]


def test_a_table_that_the_user_may_not_read_is_named(server: Server, tmp_path: Path) -> None:
    url = f"postgresql://stranger:stranger@127.0.0.1:{server.port}/postgres"

    assert _error(url, "TABLE orders", tmp_path).endswith(
        "permission denied for table orders; ask for the right to SELECT"
    )


@pytest.mark.parametrize(
    ("user", "rest", "said"),
    [
        ("owner:wrong", "/postgres", "the user or the password is wrong"),
        ("nobody:wrong", "/postgres", "the user or the password is wrong"),
        ("owner", "/postgres?passfile=/dev/null", NOT_GIVEN),
        ("owner:" + PASSWORD_IN_URL, "/nowhere", "there is no such database or user"),
        ("owner:" + PASSWORD_IN_URL, "/postgres?sslmode=require", "it offers no encryption, and sslmode asks for it"),
    ],
)  # fmt: skip
def test_a_server_that_does_not_let_in_is_told_with_host_port_database_and_cause(  # noqa: PLR0913 - a table's columns
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, user: str, rest: str, said: str
) -> None:
    monkeypatch.delenv("PGPASSWORD", raising=False)
    url = f"postgresql://{user}@127.0.0.1:{server.port}{rest}"
    database = rest[1:].partition("?")[0]

    assert _error(url, "SELECT 1", tmp_path) == (
        f"cannot connect to PostgreSQL on host 127.0.0.1, port {server.port}, database {database}: {said}"
    )


@pytest.mark.parametrize(
    ("address", "place", "said"),
    [
        ("127.0.0.1:1/shop", "host 127.0.0.1, port 1, database shop", NOTHING_LISTENS),
        ("host.invalid/shop", "host host.invalid, port 5432, database shop", "there is no such host"),
        ("/shop?host=/nowhere", "host /nowhere, port 5432, database shop", NOTHING_LISTENS),
    ],
)  # fmt: skip
def test_a_server_that_is_not_there_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str, place: str, said: str
) -> None:
    monkeypatch.delenv("PGPORT", raising=False)

    text = _error(f"postgresql://u:{PASSWORD_IN_URL}@{address}", "SELECT 1", tmp_path)

    assert text == f"cannot connect to PostgreSQL on {place}: {said}"


def test_a_connection_lost_midway_leaves_no_file(server: Server, tmp_path: Path) -> None:
    query = """
        SELECT n, CASE WHEN n = 5000 THEN pg_terminate_backend(pg_backend_pid()) END AS gone
        FROM generate_series(1, 100000) n
        """

    text = _error(server.url, query, tmp_path)

    assert text.startswith(f"postgresql://127.0.0.1:{server.port}/postgres: the connection was lost after ")
    assert text.endswith(" rows; nothing was imported; try again")


def test_a_directory_that_cannot_be_written_is_told(server: Server, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file or directory; nothing was imported"):
        fetch(server.url, "SELECT 1", tmp_path / "nowhere", _silent)


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("postgresql://user:password@db.example.com/shop", "postgresql://db.example.com/shop"),
        ("POSTGRES://user@db.example.com:5433/shop?sslmode=require&password=x", "postgresql://db.example.com:5433/shop"),
        ("postgresql:///shop?user=user", "postgresql:///shop"),
        ("postgresql://user:password@one:1,two:2/shop", "postgresql://one,two:1,2/shop"),
    ],
)  # fmt: skip
def test_reports_name_a_database_without_user_and_password(url: str, name: str) -> None:
    assert safe_name(url) == name


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://user:p@ss-word@host/shop",
        "postgresql://user:ss-word/1@host/shop",
        "postgresql://user:12/ss-word@host/shop",
        "postgresql://user:ss-word%zz@host/shop",
        "postgresql://user:ss-word@[::1/shop",
    ],
)
def test_a_url_that_cannot_be_read_is_not_repeated_since_it_holds_a_password(url: str) -> None:
    with pytest.raises(InputError, match="percent-encoded") as caught:
        safe_name(url)

    assert "ss-word" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("mysql://user:password@host/shop", "databases of mysql:// are not read; supported is PostgreSQL"),
        ("sqlite:///shop.db", "databases of sqlite:// are not read; supported is PostgreSQL"),
        (
            "postgresql+psycopg2://user:password@host/shop",
            "starts with postgresql://, without a driver's name",
        ),
    ],
)
def test_another_database_is_told_what_is_supported(url: str, said: str) -> None:
    with pytest.raises(InputError) as caught:
        fetch(url, "SELECT 1", Path(), _silent)

    assert said in str(caught.value)
    assert "password@host" not in str(caught.value).replace("user:password@host/database", "")


PEAK = """
import resource, sys
from pathlib import Path
from ledger.importers.database import fetch
told = []
fetch(sys.argv[1], sys.argv[2], Path(sys.argv[3]), lambda what, share: told.append(share))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024, told[-1])
"""


@pytest.mark.slow
def test_a_million_rows_take_no_more_memory_than_ten(server: Server, tmp_path: Path) -> None:
    def peak_mib(rows: int) -> int:
        query = f"SELECT n AS order_id, md5(n::text) AS customer_id FROM generate_series(1, {rows}) n"
        command = [sys.executable, "-c", PEAK, server.url, query, str(tmp_path)]
        said = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
        assert said[1] == "1.0"
        return int(said[0])

    few = peak_mib(10)
    many = peak_mib(ROWS_TO_STREAM)

    assert (tmp_path / "answer.csv").stat().st_size > 2 * MEMORY_ALLOWED_MIB * 2**20
    assert many - few < MEMORY_ALLOWED_MIB
