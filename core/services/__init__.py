"""The servicers: check, call a verb, convert, return."""
