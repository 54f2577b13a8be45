"""Cohorts: customers by month of first order, first product and channel, as each scoring run counts them."""
