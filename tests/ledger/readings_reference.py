"""The readings as they would be written if time did not matter: one pattern, one cast."""

NUMBER = r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?"
NAIVE = r"\d{4}-\d{2}-\d{2}([ T]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?)?"
AWARE = r"\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-](0\d|1[0-4])(:?[0-5]\d)?)"


def plain_text(length: int) -> str:
    return f"CASE WHEN length(text) <= {length} AND NOT regexp_matches(text, '[[:cntrl:]]') THEN text END"


def whole_number(decimals: int) -> str:
    rounded = f"round_even(TRY_CAST(text AS DECIMAL(38, 18)), {decimals})"
    in_range = f"TRY_CAST({rounded} AS DECIMAL({12 + decimals}, {decimals}))"
    return (
        f"CASE WHEN length(text) <= 64 AND regexp_full_match(text, '{NUMBER}') "
        f"THEN CAST({in_range} * {10**decimals} AS BIGINT) END"
    )


def instant(zone: str) -> str:
    return (
        f"CASE WHEN regexp_full_match(text, '{NAIVE}') THEN TRY_CAST(text AS TIMESTAMP) AT TIME ZONE '{zone}' "
        f"WHEN regexp_full_match(text, '{AWARE}') THEN TRY_CAST(text AS TIMESTAMPTZ) END"
    )
