"""A PostgreSQL database's answer to a query, streamed into a CSV file that is then imported like any other.

The query runs in a read-only transaction, in UTC, with ISO dates. No error repeats a password or what a row holds.
"""

import re
from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import psycopg
from psycopg import pq
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from ledger.errors import InputError
from ledger.importers.source import Progress

SCHEMES = ("postgresql", "postgres")
EXAMPLE = "postgresql://user:password@host/database"
FILE_NAME = "answer.csv"
TOLD_EVERY = 1_000_000  # rows
FILE_BUFFER = 1 << 20

# What a URL may give otherwise: a server that does not answer, or no longer does, is an error within a minute.
CONNECTION = {
    "connect_timeout": "10",
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "application_name": "regulars",
}
SESSION = (  # local to the transaction, so that a pool's next client is left alone
    b"SET LOCAL TimeZone = 'UTC'",
    b"SET LOCAL DateStyle = 'ISO, YMD'",
    b"SET LOCAL extra_float_digits = 3",  # exact floating point, also before PostgreSQL 12
    b"SET LOCAL statement_timeout = 0",
)
# In what the client library says of a failed connection, the first that occurs.
CAUSES = (
    ("certificate", "its certificate is not trusted; give sslrootcert in the URL"),
    ("password authentication failed", "the user or the password is wrong"),
    ("no password supplied", "it asks for a password; give it in the URL, in PGPASSWORD or in ~/.pgpass"),
    ("does not exist", "there is no such database or user"),
    ("resolve host", "there is no such host"),
    ("refused", "nothing listens there; check host and port"),
    ("No such file", "nothing listens there; check host and port"),
    ("timeout", "it did not answer in time; check host, port and firewall"),
    ("does not support SSL", "it offers no encryption, and sslmode asks for it"),
    ("pg_hba.conf", "it does not let this user in from here, or only with another sslmode"),
    ("too many", "it has too many clients; try again later"),
)
UNREADABLE = (
    f"the database's URL cannot be read; expected {EXAMPLE}, with special characters of the password percent-encoded "
    "(@ is %40, / is %2F, % is %25)"
)
PORTS = re.compile(r"[\d,]*")
NO_SELECT = "the query is not a SELECT; give one that only reads"
READ_ONLY, NO_PRIVILEGE, SYNTAX = "25006", "42501", "42601"
LOST = ("08", "57P")  # classes of a connection's end


def safe_name(url: str) -> str:
    """Return a database's URL without user, password and parameters.

    Raises
    ------
    InputError
        When it is no URL of a PostgreSQL database.
    """
    given = _parameters(url)
    port = f":{given['port']}" if "port" in given else ""
    return f"postgresql://{given.get('host', '')}{port}/{given.get('dbname', '')}"


def fetch(url: str, query: str, into: Path, progress: Progress) -> Path:
    """Write the rows of a query as CSV in UTF-8 with a header; memory does not grow with them.

    Parameters
    ----------
    url : str
        `postgresql://user:password@host/database`; what it leaves out is found as libpq does: PGPASSWORD, ~/.pgpass.
    query : str
        One SELECT.
    into : Path
        Directory for the file.
    progress : callable
        Told the rows so far; how many there will be is not known.

    Returns
    -------
    Path

    Raises
    ------
    InputError
        When the database cannot be reached or refuses, the query is no SELECT or gives no row or a column twice, or
        the connection is lost: then there is no file.
    """
    name = safe_name(url)
    statement = query.strip().rstrip("; \n\t")
    if not statement:
        raise InputError(f"{name}: a query is needed: --query 'SELECT customer_id, ... FROM ...'")
    path = into / FILE_NAME
    progress(f"asking {name}", 0.0)
    try:
        with closing(_connect(url)) as connection:
            _prepare(connection, statement, name)
            rows = _copy(connection, statement, path, name, progress)
    except BaseException:
        path.unlink(missing_ok=True)  # half an answer is none
        raise
    progress(f"asking {name}: {rows:,} rows", 1.0)
    return path


def _parameters(url: str) -> dict[str, str]:
    """Return what a URL says; its parts are shown to people, so none may be a piece of a password."""
    scheme = url.partition("://")[0].lower()
    if scheme.partition("+")[0] in SCHEMES and "+" in scheme:
        raise InputError(
            f"a database's URL starts with postgresql://, without a driver's name; expected {EXAMPLE}"
        )
    if scheme not in SCHEMES:
        raise InputError(
            f"databases of {scheme[:20]}:// are not read; supported is PostgreSQL ({EXAMPLE}); export CSV from others"
        )
    try:
        given = {key: str(value) for key, value in conninfo_to_dict(scheme + url[len(scheme) :]).items()}
    except psycopg.Error:
        raise InputError(UNREADABLE) from None  # its text repeats the URL
    if "@" in given.get("host", "") + given.get("dbname", "") or not PORTS.fullmatch(given.get("port", "")):
        raise InputError(UNREADABLE)
    return given


def _connect(url: str) -> "psycopg.Connection[tuple[object, ...]]":
    given = _parameters(url)
    parameters = {**CONNECTION, **given, "client_encoding": "utf8"}
    try:
        connection = psycopg.connect(make_conninfo("", **parameters))
    except psycopg.Error as error:
        raise InputError(f"cannot connect to {_place(given)}: {_cause(error, given)}") from None
    connection.read_only = True
    return connection


def _place(given: Mapping[str, str]) -> str:
    """Return where a connection went, with what libpq filled in from its environment."""
    filled = {one.keyword.decode(): one.val.decode() for one in pq.Conninfo.get_defaults() if one.val}
    host, port = (given.get(key) or filled.get(key) for key in ("host", "port"))
    database = given.get("dbname") or filled.get("dbname") or "of the user's name"
    return f"PostgreSQL on host {host or 'localhost'}, port {port}, database {database}"


def _cause(error: psycopg.Error, given: Mapping[str, str]) -> str:
    text = str(error)
    known = next((cause for mark, cause in CAUSES if mark in text), None)
    if known:
        return known
    said = text.splitlines()[0].rpartition("failed: ")[2].removeprefix("FATAL:").strip()[:200]
    password = given.get("password")
    return said.replace(password, "(withheld)") if password else said


def _prepare(connection: "psycopg.Connection[tuple[object, ...]]", statement: str, name: str) -> None:
    """Set the session up and let the server read the query without running it: is it one SELECT, of which columns."""
    try:
        for setting in SESSION:
            connection.execute(setting)
        _check(connection.pgconn, statement, name)
    except psycopg.Error as error:
        raise InputError(f"{name}: {_broken(error, 0)}") from None


def _check(server: pq.abc.PGconn, statement: str, name: str) -> None:
    parsed = server.prepare(b"", statement.encode())
    if parsed.status != pq.ExecStatus.COMMAND_OK:
        raise InputError(f"{name}: {_wrong(parsed, statement)}")
    described = server.describe_prepared(b"")
    columns = [(described.fname(place) or b"").decode() for place in range(described.nfields)]
    if not columns:
        raise InputError(f"{name}: {NO_SELECT}")
    if described.nparams:
        raise InputError(f"{name}: the query has a placeholder such as $1; write the value itself")
    twice = [
        column for column, times in Counter(column.strip().lower() for column in columns).items() if times > 1
    ]
    if twice:
        raise InputError(f"{name}: the query gives the column {twice[0]!r} twice; name each with AS")


def _wrong(parsed: pq.abc.PGresult, statement: str) -> str:
    """Return what is wrong with a query, and where; it has read no row yet."""
    said = (parsed.error_field(pq.DiagnosticField.MESSAGE_PRIMARY) or b"").decode(errors="replace")
    state = (parsed.error_field(pq.DiagnosticField.SQLSTATE) or b"").decode()
    position = parsed.error_field(pq.DiagnosticField.STATEMENT_POSITION)
    if not state.startswith("42") or "'" in said or "@" in said:  # it quotes a value
        said = _condition(state)
    if "multiple commands" in said:
        return "the query is more than one statement; give one SELECT"
    if position is None:
        return f"the query fails: {said[:200]}"
    before = statement[: int(position) - 1]
    column = len(before) - (before.rfind("\n") + 1) + 1
    return f"the query fails at line {before.count(chr(10)) + 1}, column {column}: {said[:200]}"


def _copy(
    connection: "psycopg.Connection[tuple[object, ...]]",
    statement: str,
    path: Path,
    name: str,
    progress: Progress,
) -> int:
    """Stream the rows into the file and return how many; the server sends them one by one, the header first."""
    # The line break ends a comment that the query may end with.
    command = f"COPY ({statement}\n) TO STDOUT WITH (FORMAT csv, HEADER)".encode()
    received = 0
    try:
        with (
            path.open("wb", buffering=FILE_BUFFER) as file,
            connection.cursor() as cursor,
            cursor.copy(command) as lines,
        ):
            for received, line in enumerate(lines):
                file.write(line)
                if received and received % TOLD_EVERY == 0:
                    progress(f"asking {name}: {received:,} rows", 0.0)
    except psycopg.Error as error:
        raise InputError(f"{name}: {_broken(error, received)}") from None
    except OSError as error:
        raise InputError(f"{path}: {(error.strerror or str(error)).lower()}; nothing was imported") from error
    if not received:
        raise InputError(f"{name}: the query gives no rows; nothing was imported")
    return received


def _broken(error: psycopg.Error, received: int) -> str:
    """Return why rows stopped; the server's own words may hold what stands in one."""
    state = error.sqlstate
    if state is None or state.startswith(LOST):
        return f"the connection was lost after {received:,} rows; nothing was imported; try again"
    if state in (READ_ONLY, SYNTAX):  # SHOW and the like are statements, but cannot be copied
        return NO_SELECT
    if state == NO_PRIVILEGE:
        return f"{error.diag.message_primary}; ask for the right to SELECT"
    return f"the query fails after {received:,} rows: {_condition(state)}; nothing was imported"


def _condition(state: str) -> str:
    """Return a condition's name in words: 22012 is `division by zero (22012)`."""
    try:
        words = re.sub(r"(?<!^)(?=[A-Z])", " ", psycopg.errors.lookup(state).__name__).lower()
    except KeyError:
        words = "error"
    return f"{words} ({state})"
