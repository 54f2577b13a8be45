"""Amounts in layouts, in SQL: read as whole hundredths, and an order's amount shared out over its lines exactly."""

from ledger.readings import MONEY


def hundredths(text: str) -> str:
    """Return SQL of the whole hundredths that the ledger would read in a text, NULL where it would read none."""
    return MONEY.sql.format(text=f"trim({text})")


def as_text(minor: str) -> str:
    """Return SQL of a whole number of hundredths written as a plain-format file does, such as `12.50`."""
    return f"CAST(CAST({minor} AS BIGINT) * 0.01 AS VARCHAR)"


def shared(rows: str, amount: str, weight: str, share: str, within: tuple[str, ...]) -> str:
    """Share a whole number out over rows in proportion to their weights, by largest remainder.

    Each row gets its proportion rounded down; what is left goes one by one to the rows that lost most by rounding, the
    earlier line first. So the shares add up to the amount exactly, and none exceeds its weight as long as the amount is
    no more than all weights. Where the weights add up to nothing, so do the shares.

    Parameters
    ----------
    rows : str
        A relation with `line`.
    amount, weight : str
        Its columns of whole numbers, none negative, the amount the same in all rows of a group.
    share : str
        Name of the column to add.
    within : tuple of str
        Columns of which rows that agree form a group.

    Returns
    -------
    str
        A SELECT of the rows and the share.
    """
    group = ", ".join(within)
    helping = f"{share}_whole, {share}_down, {share}_rest"
    exact = f"CAST({amount} AS HUGEINT) * {weight}"
    return f"""
        SELECT * EXCLUDE ({helping}), CAST({share}_down + CASE WHEN row_number() OVER (
            PARTITION BY {group} ORDER BY {share}_rest DESC, line
        ) <= {amount} - sum({share}_down) OVER (PARTITION BY {group}) AND {share}_whole > 0 THEN 1 ELSE 0 END AS BIGINT)
            AS {share}
        FROM (
            SELECT *, CASE WHEN {share}_whole > 0 THEN ({exact}) // {share}_whole ELSE 0 END AS {share}_down,
                CASE WHEN {share}_whole > 0 THEN ({exact}) % {share}_whole ELSE 0 END AS {share}_rest
            FROM (SELECT *, sum({weight}) OVER (PARTITION BY {group}) AS {share}_whole FROM {rows})
        )
    """
