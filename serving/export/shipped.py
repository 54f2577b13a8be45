"""The destinations that ship; to add one, write its file beside this one and list it here."""

from serving.export.csv import CSV
from serving.export.google import GOOGLE
from serving.export.klaviyo import KLAVIYO
from serving.export.meta import META
from serving.export.parquet import PARQUET
from serving.export.webhook import WEBHOOK

DESTINATIONS = (
    CSV,
    PARQUET,
    META,
    GOOGLE,
    KLAVIYO,
    WEBHOOK,
)
