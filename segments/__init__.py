"""Segments: one boolean expression each, with its sentence, its SQL and its history."""
