"""Reminders: from a forecast of next purchases to whom to remind of what, when, and whom to leave alone."""
