"""Destinations: where scores and memberships go, one file each."""
