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
        ("As the city, I want a report per zone.", "Give the city a report per zone"),
        ("Sarah wants a preview.", "Give Sarah a preview"),
        ("Customers want to pay later.", "Let customers pay later"),
        ("It is slow, so please cache the list.", "Cache the list"),
        ("Also add a search box.", "Add a search box"),
        (
            "Given a zone nearby, when the map opens, then the map shows free spots.",
            "Ensure that the map shows free spots",
        ),
        ("revoke a code now. must be effective in 30 s", "Revoke a code now"),
        ("Passwords must not be logged.", "Ensure that passwords are never logged"),
    ],
)
def test_a_sentence_becomes_an_order(sentence: str, title: str) -> None:
    assert imperative(sentence) == title


@pytest.mark.parametrize(
    "sentence",
    [
        "Legal hasn't said how long we may keep logs.",
        "It is green.",
        "They told us so.",
        "Refunds",
        "Please note that prices are net.",
    ],
)
def test_a_sentence_that_cannot_be_turned_makes_no_title(sentence: str) -> None:
    assert imperative(sentence) is None
