"""Titles that are made from sentences of a spec read as what has to be done."""

import pytest

from worker.generation.phrases import imperative


@pytest.mark.parametrize(
    ("sentence", "title"),
    [
        ("Members can renew a loan twice.", "Let members renew a loan twice"),
        ("The portal shows a label.", "Show a label"),
        ("Overdue loans are fined 20 cents.", "Ensure that overdue loans are fined 20 cents"),
        (
            "When it comes back the member gets an e-mail and has three days.",
            "Let the member get an e-mail and have three days",
        ),
        (
            "A nightly job exports the ledger and sends it to the bank.",
            "Export the ledger and send it to the bank",
        ),
        ("As a clerk, I want to see open claims.", "Let a clerk see open claims"),
        ("Passwords must not be logged.", "Ensure that passwords are never logged"),
    ],
)
def test_a_sentence_becomes_an_order(sentence: str, title: str) -> None:
    assert imperative(sentence) == title


@pytest.mark.parametrize("sentence", ["It is green.", "They told us so.", "Refunds"])
def test_a_sentence_that_cannot_be_turned_makes_no_title(sentence: str) -> None:
    assert imperative(sentence) is None
