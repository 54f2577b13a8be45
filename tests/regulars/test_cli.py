import subprocess
import sys
from pathlib import Path

import pytest

from ledger.errors import InputError
from regulars import cli, segmenting

HEAVY = {"bentoml", "deltalake", "duckdb", "lifetimes", "lightgbm", "matplotlib", "mlflow", "numpy", "pandas"}
HEAVY |= {"pyarrow", "pydantic_settings", "rich", "scipy", "sklearn", "sqlglot"}


def _modules_after(arguments: str) -> set[str]:
    """Return the top-level modules that a fresh process has loaded after a command."""
    program = (
        "import sys\nfrom regulars import cli\n"
        f"try:\n    cli.main({arguments.split()!r})\nexcept SystemExit:\n    pass\n"
        "print('\\n'.join({name.partition('.')[0] for name in sys.modules}), file=sys.stderr)"
    )
    finished = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(finished.stderr.split())


@pytest.mark.parametrize("arguments", ["--help", "demo --help", "import orders --help", "segments --help"])
def test_help_loads_nothing_heavy(arguments: str) -> None:
    assert _modules_after(arguments) & HEAVY == set()


def test_what_the_user_can_put_right_is_one_line_and_exit_code_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["doctor", "--home", str(tmp_path / "none")])
    captured = capsys.readouterr()
    assert (ended.value.code, captured.out, captured.err.count("\n")) == (2, "", 1)
    assert captured.err.startswith("regulars: no orders in ")
    assert captured.err.endswith("yet; run `regulars import orders FILE` or `regulars demo`\n")


def test_a_reason_of_several_lines_is_printed_as_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(_home: Path | None) -> None:
        raise InputError("first\n  second")

    monkeypatch.setattr(segmenting, "home_of", refuse)
    with pytest.raises(SystemExit):
        cli.main(["segments", "list"])
    assert capsys.readouterr().err == "regulars: first second\n"


def test_what_the_user_cannot_put_right_is_shown_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_home: Path | None) -> None:
        raise ZeroDivisionError("a defect")

    monkeypatch.setattr(segmenting, "home_of", fail)
    with pytest.raises(ZeroDivisionError, match="a defect"):
        cli.main(["segments", "list"])


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ("train --as-of yesterday", "'--as-of'"),
        ("train --horizon-days many", "'--horizon-days'"),
        ("export scores", "--out"),
        ("demo --dataset nowhere", "'--dataset'"),
        ("import orders", "FILE"),
        ("segmnets list", "segments"),
    ],
)
def test_a_mistyped_command_says_what_is_wrong_and_ends_with_2(
    arguments: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(arguments.split())
    captured = capsys.readouterr()
    assert (ended.value.code, captured.out, told in captured.err) == (2, "", True)


def test_serving_what_is_no_shop_says_what_to_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["serve", "--home", str(tmp_path)])
    told = f"regulars: {tmp_path} holds no shop; `regulars import orders` makes one\n"
    assert (ended.value.code, capsys.readouterr().err) == (2, told)
