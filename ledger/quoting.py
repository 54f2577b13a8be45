"""Texts and names as SQL: the one place where a value becomes part of a statement."""


def text(value: object) -> str:
    """Return a value's text as a SQL literal."""
    return "'" + str(value).replace("'", "''") + "'"


def name(column: str) -> str:
    """Return a column's name as SQL, whatever stands in it."""
    return '"' + column.replace('"', '""') + '"'
