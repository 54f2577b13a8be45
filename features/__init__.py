"""Customers described as of a cutoff, by one SQL aggregate a feature."""
