"""Watching a release at work: drift of what goes in and comes out, a replay, and predictions beside what happened."""
