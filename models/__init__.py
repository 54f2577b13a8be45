"""Predictors: one question each, fitted on snapshots and outcomes, released as text."""
