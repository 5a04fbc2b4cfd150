"""Titles that are made from sentences of a spec read as what has to be done."""

import pytest

from worker.generation.phrases import from_fault, imperative
from worker.generation.signals import speaks_of_fault


@pytest.mark.parametrize(
    ("sentence", "title"),
    [
        ("Members can renew a loan twice.", "Let members renew a loan twice"),
        ("The portal shows a label.", "Show a label"),
        (
            "Triggers include time, sunrise/sunset, device state, and place.",
            "Ensure that triggers include time, sunrise/sunset, device state and place",
        ),
        (
            "It would be great to have a mobile version but it is not a must.",
            "Add a mobile version",
        ),
        (
            "The page must be responsive and explain each price.",
            "Ensure that the page is responsive and explains each price",
        ),
        ("Users can edit, consume, or discard items.", "Let users edit, consume or discard items"),
        (
            "All events (start, stop, failed tries) are written to the audit log.",
            "Ensure that all events are written to the audit log",
        ),
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
        ("they want to see who changed what", "Let them see who changed what"),
        ("It must be exportable as CSV.", "Make it exportable as CSV"),
        ("We need a way to bulk delete rooms", "Bulk delete rooms"),
        ("Ability to export", "Export"),
        ("Possibility of paying by card", "Pay by card"),
        ("Would be nice to have keyboard shortcuts", "Add keyboard shortcuts"),
        ("It would be great if users could search by tag", "Search by tag"),
        ("Expiry runs nightly at 03:00", "Ensure that expiry runs nightly at 03:00"),
        ("Prices are shown incl. VAT", "Ensure that prices are shown incl. VAT"),
        ("Investigate why the job is slow", "Investigate why the job is slow"),
        (
            "p95 of the call < 150 ms at 200 requests/s",
            "Keep p95 of the call < 150 ms at 200 requests/s",
        ),
        (
            "Store managers need a page with all points",
            "Give store managers a page with all points",
        ),
        ("Users need to confirm their address", "Require users to confirm their address"),
        ("they want to see who changed what. an audit trail", "Let them see who changed what"),
        (
            "We still have to find out whether Redis is new enough",
            "Find out whether Redis is new enough",
        ),
        ("We propose to keep sessions in Redis", "Keep sessions in Redis"),
        ("It needs to work on old iPads.", "Make it work on old iPads"),
        ("gz and zst are read transparently", "Ensure that gz and zst are read transparently"),
        ("Errors go to stderr", "Ensure that errors go to stderr"),
        (
            "No feature may use the driver's identity.",
            "Ensure that no feature uses the driver's identity",
        ),
        (
            "Restaurants need to be able to order a sample box.",
            "Allow restaurants to order a sample box",
        ),
        ("Managers must be able to correct it.", "Let managers correct it"),
        (
            "Somebody must be able to rotate a key by hand.",
            "Let somebody rotate a key by hand",
        ),
        (
            "Two teachers are admins and can delete offers.",
            "Ensure that two teachers are admins and can delete offers",
        ),
        (
            "As a driver I want to know where the fuel card is so that I can refuel.",
            "Let a driver know where the fuel card is",
        ),
        ("Oh and the old posts must not break.", "Ensure that the old posts cannot break"),
        (
            "Above 120 mA the motor shall stop, back off and retry the stroke.",
            "Make the motor stop, back off and retry the stroke",
        ),
        ("SSO has to be in, Big won't sign without.", "Ensure that SSO is in"),
        ("The valve shall stop, unless it is open.", "Ensure that the valve stops"),
        (
            "Less than 14 days before expiry of a certificate: notify the owner",
            "Notify the owner",
        ),
        (
            '"Old accounts are erased after a year.',
            "Ensure that old accounts are erased after a year",
        ),
        (
            "Lines without a timestamp belong to the line before",
            "Ensure that lines without a timestamp belong to the line before",
        ),
        ("Kids should be able to earn stars.", "Let kids earn stars"),
        ("Request a link: Given I am on the page When I ask Then it comes", "Request a link"),
        (
            "The ledger must tolerate the payment provider sending the same webhook twice.",
            "Ensure that the ledger tolerates the payment provider sending the same webhook twice",
        ),
        (
            "Customers can pay with card, PayPal or invoice, and choose the currency at checkout",
            "Let customers pay with card, PayPal or invoice",
        ),
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
        "409 when the spot is taken",
        "Please note that prices are net.",
        "In winter you need less water.",
        "When you go on vacation there is a list.",
        "audit log export (CSV is fine)",
    ],
)
def test_a_sentence_that_cannot_be_turned_makes_no_title(sentence: str) -> None:
    assert imperative(sentence) is None


@pytest.mark.parametrize(
    "told",
    [
        "The export of big reports times out (>50k rows). It should run in the background.",
        "Page load is too slow on mobile",
        "The totals on the invoice are wrong when a discount is used",
        "Login fails with Safari 16",
    ],
)
def test_what_is_bad_today_is_to_be_fixed(told: str) -> None:
    """Not to be ensured."""
    assert speaks_of_fault(told)
    assert from_fault(told) == f"Fix: {told.partition(' (')[0]}"


@pytest.mark.parametrize(
    "asked",
    [
        "Uploads that are too large are refused",
        "Users see a hint when the password is too short",
        "If a request times out, it is repeated",
        "Find out why the search is slow",
        "The page must not be too slow",
    ],
)
def test_what_is_to_happen_in_a_bad_case_is_no_fault(asked: str) -> None:
    assert not speaks_of_fault(asked)
