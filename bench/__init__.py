"""Benchmarks: each compares its sides in one run. See README.md."""
