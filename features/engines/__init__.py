"""Engines other than the embedded DuckDB that run the features' own text."""
