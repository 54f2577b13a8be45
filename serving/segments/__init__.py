"""Segments followed over time, tried out and answered about: beside the run that is served, what came before it."""
