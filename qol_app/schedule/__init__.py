"""From a protocol and what happened to a participant: what is expected, when, and what is due.

Pure: no clock, no database, no network. ``today`` and ``now`` are always passed in.
"""
