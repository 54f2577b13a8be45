"""What the API's description says beyond types: what each property means, and one example of each answer."""

import json
import re
import tomllib
from collections.abc import Mapping, MutableMapping
from pathlib import Path
from typing import Any, Final

HERE: Final = Path(__file__).parent
PARAMETERS: Final = re.compile(r"\n+Parameters\n-+\n")
PARAMETER: Final = re.compile(r"^(\w+(?:, \w+)*) : ([^\n]*)((?:\n    [^\n]*)*)", re.MULTILINE)


def describe(models: Mapping[str, MutableMapping[str, Any]]) -> None:
    """
    Give each property of models its description, in place, where its field has none.

    It comes from the table of the model's docstring, else from `openapi.toml`.

    Parameters
    ----------
    models : mapping of str to JSON schema
        By name.
    """
    means = tomllib.loads((HERE / "openapi.toml").read_text(encoding="utf-8"))["means"]
    for model, schema in models.items():
        said, *table = PARAMETERS.split(schema.get("description", ""), maxsplit=1)
        schema["description"] = said
        own = _parameters("".join(table))
        for name, about in schema.get("properties", {}).items():
            if "description" in about:
                continue
            found = means.get(f"{model}.{name}") or own.get(name) or means.get(name)
            if found is not None:
                about["description"] = found


def _parameters(table: str) -> dict[str, str]:
    """Return what a numpydoc table says of each name: its text, its unit in front when it names one."""
    told = {}
    for names, kind, lines in PARAMETER.findall(table):
        unit, text = kind.partition(", ")[2], " ".join(lines.split())
        meant = ". ".join(part.rstrip(".") for part in (text, f"Unit: {unit}" if unit else "") if part)
        for name in names.split(", ") if meant else ():
            told[name] = meant + "."
    return told


def examples() -> dict[str, Any]:
    """Return one example by the name of an answer's model."""
    return dict(json.loads((HERE / "examples.json").read_text(encoding="utf-8")))
