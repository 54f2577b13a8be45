"""Folds, outcomes, fitting, backtests, the gate and the registry."""
