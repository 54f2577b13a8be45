"""Customers' states in layouts, in SQL: what orders say of their buyers, told only where it changes."""


def states(rows: str, at: str, told: tuple[str, ...]) -> str:
    """Return the rows at which something new of a customer is learnt.

    An order that leaves a cell empty says nothing of it: what an earlier one of the same customer said stays.

    Parameters
    ----------
    rows : str
        A relation with `line` and `customer`.
    at : str
        Its column of when each row was known.
    told : tuple of str
        Its columns that describe the customer.

    Returns
    -------
    str
        A SELECT of line and, for each column told, `state_` and its name: the customer's state from that row on.
    """
    so_far = ", ".join(f"last_value({name} IGNORE NULLS) OVER so_far AS state_{name}" for name in told)
    whole = ", ".join(f"coalesce(state_{name}, '')" for name in told)
    return f"""
        SELECT line, {", ".join(f"state_{name}" for name in told)} FROM (
            SELECT *, lag(state) OVER (PARTITION BY customer ORDER BY {at}, line) AS state_before
            FROM (
                SELECT *, concat_ws(chr(31), {whole}) AS state
                FROM (
                    SELECT line, customer, {at}, {so_far} FROM {rows}
                    WINDOW so_far AS (PARTITION BY customer ORDER BY {at}, line ROWS UNBOUNDED PRECEDING)
                )
            )
        ) WHERE state_before IS DISTINCT FROM state
    """
