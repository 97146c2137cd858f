"""Thin adapters between :mod:`videostr` and trainers; each imports its trainer only where it is used."""
