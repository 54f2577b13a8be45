"""The destinations that ship; to add one, write its file beside this one and list it here."""

from serving.export.csv import CSV
from serving.export.parquet import PARQUET

DESTINATIONS = (CSV, PARQUET)
