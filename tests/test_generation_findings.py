"""What audits, digests and tables of issues find is work, and what they praise is none."""

from collections.abc import Iterator

import pytest

from tests.generation import criteria, leaves, titles
from tests.ollama_peer import OllamaPeer

AUDIT = (
    "# Test of the API\n## Management summary\nWe found one critical issue.\n"
    "## Findings\n### F-01 Insecure reference in GET /bills (Critical, CVSS 9.1)\n"
    "**Description:** Any user can fetch bills of others by counting up.\n"
    "**Proof of concept:**\n```\ncurl /bills/2\n```\n"
    "**Recommendation:** Check ownership on every request. Use random identifiers.\n"
    "### F-02 Verbose errors (Low)\n**Recommendation:** Return a generic error.\n"
    "## Positive observations\nSecrets are kept in a vault.\n"
)
ISSUES = (
    "# Remediation\n| # | Page | Issue | Severity | Recommended fix |\n|---|---|---|---|---|\n"
    "| A1 | Search | Date picker cannot be operated by keyboard | Blocker | Use a native input |\n"
    "| A2 | Search | Suggestions are not announced | Serious | Add a live region |\n"
    "| A3 | Payment | Session ends without warning | Minor | Warn one minute before |\n"
)


@pytest.fixture(scope="module")
def peer() -> Iterator[OllamaPeer]:
    with OllamaPeer() as running:
        yield running


def test_each_finding_of_an_audit_is_one_bug_that_asks_for_its_remedy(peer: OllamaPeer) -> None:
    found = leaves(peer, AUDIT)
    assert [(one["ticket_type"], one["title"], one["priority"]) for one in found] == [
        ("bug", "Fix: Insecure reference in GET /bills", "critical"),
        ("bug", "Fix: Verbose errors", "low"),
    ]
    assert criteria(peer, AUDIT) == [
        "Recommendation: Check ownership on every request.",
        "Use random identifiers.",
        "Recommendation: Return a generic error.",
    ]


def test_a_ticket_that_is_described_asks_for_what_its_description_says(peer: OllamaPeer) -> None:
    spec = "# Rooms\n## Search\nDescription: Members can search rooms by size.\n"
    assert criteria(peer, spec) == ["Description: Members can search rooms by size."]


def test_a_table_of_issues_makes_a_bug_of_each_by_the_column_that_tells_them_apart(
    peer: OllamaPeer,
) -> None:
    found = leaves(peer, ISSUES)
    assert [(one["ticket_type"], one["title"], one["priority"]) for one in found] == [
        ("bug", "Fix: Date picker cannot be operated by keyboard", "critical"),
        ("bug", "Fix: Suggestions are not announced", "high"),
        ("bug", "Fix: Session ends without warning", "low"),
    ]
    assert "Page: Search" in found[0]["description"]


def test_rows_that_their_first_column_tells_apart_are_named_by_it(peer: OllamaPeer) -> None:
    spec = "# Plans\n| Plan | What it has |\n|---|---|\n| Gold | ten rooms |\n| Tin | two rooms |\n"
    assert criteria(peer, spec) == [
        "Gold \N{EN DASH} What it has: ten rooms",
        "Tin \N{EN DASH} What it has: two rooms",
    ]


def test_what_customers_suffer_from_is_a_bug_each(peer: OllamaPeer) -> None:
    spec = (
        "# Digest\n## Top pains\n1. Export stops at 99 % (58)\n2. App logs out after each update\n"
        "## Requests we declined\n- Lifetime licence\n## Wishes\n- Dark mode\n- Print view\n"
    )
    assert titles(peer, spec) == [
        "Fix: Export stops at 99 %",
        "Fix: App logs out after each update",
        "Add dark mode",
        "Add print view",
    ]


def test_complaints_that_people_can_make_are_a_feature(peer: OllamaPeer) -> None:
    spec = "# Clinic\n## Complaints and incidents\nAnyone can report an incident.\n"
    (found,) = leaves(peer, spec)
    assert found["ticket_type"] == "story"


def test_a_part_of_a_finding_is_named_by_the_remedy_that_it_holds(peer: OllamaPeer) -> None:
    spec = (
        "# Test\n## Findings\n### No limit on sign-in\n**Recommendation:** Limit attempts per "
        "account. Notify the owner after ten failures.\n"
    )
    assert titles(peer, spec, ticket_count=1) == ["Fix: No limit on sign-in"]
    assert titles(peer, spec, ticket_count=2)[1] == "Notify the owner after ten failures"


def test_many_faults_in_one_ticket_are_counted(peer: OllamaPeer) -> None:
    spec = ISSUES + "## Rooms\nMembers book rooms.\n"
    assert titles(peer, spec, ticket_count=2)[0] == (
        "Fix: Date picker cannot be operated by keyboard, and 2 more"
    )
