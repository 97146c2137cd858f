"""The oracle: scoring.md in plain numpy + scipy, written to be read and to be compared with."""
