"""What a spec says outright about its tickets, their order and their kind is kept."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.generation import criteria, job, leaves, run, titles
from tests.ollama_peer import SMALL, OllamaPeer


@pytest.fixture(scope="module")
def peer() -> Iterator[OllamaPeer]:
    with OllamaPeer() as running:
        yield running


EXPORT = """[SHOP-7] Pay by card
Type: Story   Priority: High   Reporter: Ann
Description:
As a guest I want to pay by card.
Acceptance Criteria:
* Cards are checked at once
Linked issues: blocks SHOP-9

[SHOP-8] Receipt is blank
Type: Bug   Priority: Critical   Reporter: Bo
Steps to reproduce:
1. Pay twice
Expected: both receipts are printed

[SHOP-9] Upgrade the till to Linux
Type: Task   Priority: Low   Reporter: Bo
Description: All tills boot from the new image.
"""


def test_exported_tickets_stay_what_they_are(peer: OllamaPeer) -> None:
    found = leaves(peer, EXPORT)
    said = [(one["title"], one["ticket_type"], one["priority"]) for one in found]
    assert said == [
        ("Pay by card", "story", "high"),
        ("Fix: Receipt is blank", "bug", "critical"),
        ("Upgrade the till to Linux", "task", "low"),
    ]
    assert [one["dependencies"] for one in found] == [[], [], ["SPEC-1"]]
    told = [text for one in found for text in one["acceptance_criteria"]]
    assert "Cards are checked at once" in told
    assert not [text for text in told if "Reporter" in text or text == "Pay twice"]


@pytest.mark.parametrize(
    "told",
    ["The list can be sorted by priority: low before high.", "Each call has a type: spike."],
)
def test_a_word_and_a_colon_within_a_sentence_state_nothing(peer: OllamaPeer, told: str) -> None:
    (ticket,) = leaves(peer, f"# Desk\nThe list shows all calls. {told}\n")
    assert (ticket["ticket_type"], ticket["priority"]) == ("task", "medium")


def test_rows_with_an_identifier_are_named_by_what_they_ask_for(peer: OllamaPeer) -> None:
    spec = (
        "| ID | Requirement | Priority | Depends on |\n|---|---|---|---|\n"
        "| R1 | Import tenants from the old system | Must | - |\n"
        "| R2 | Tenants see their bills | Could | R1 |\n"
        "| R3 | Export for tax advisers | Won't (this year) | R2 |\n"
    )
    found = leaves(peer, spec)
    assert [one["title"] for one in found] == [
        "Import tenants from the old system",
        "Let tenants see their bills",
    ]
    assert [one["priority"] for one in found] == ["high", "low"]
    assert [one["dependencies"] for one in found] == [[], ["SPEC-1"]]


def test_phases_wait_for_those_that_they_name(peer: OllamaPeer) -> None:
    spec = (
        "# Move\n## Phase 1 - Landing zone\n- Create the network\n- Backups run every night\n"
        "## Phase 2 - Services\nStarts after the landing zone is accepted.\n- Move the shop\n"
        "- Move the blog\n## Phase 3 - Databases\nBlocked by Phase 2.\n- Copy the tables\n"
        "- Check the sums\n## Phase 4 - Clean-up\nAfter the databases have run for 30 days:\n"
        "- Wipe the disks\n- Cancel the contract\n"
    )
    found = leaves(peer, spec, ticket_count=4)
    assert [one["title"] for one in found][1] == "Carry out phase 2 - Services"
    assert [one["dependencies"] for one in found] == [[], ["SPEC-1"], ["SPEC-2"], ["SPEC-3"]]
    told = [text for one in found for text in one["acceptance_criteria"]]
    assert "Blocked by Phase 2." not in told


def test_stories_of_a_list_depend_on_those_that_they_name(peer: OllamaPeer) -> None:
    spec = (
        "**Epic: Sign-up**\n\n*Story 1 - Email check*\nAs a guest, I want to check my mail.\n"
        "- The link is valid for 24 h\n\n*Story 2 - Invite colleagues*\n"
        "As an admin, I want to invite up to 20 people.\n- Depends on Story 1\n- Guests skip it\n"
    )
    found = leaves(peer, spec)
    assert [one["title"] for one in found] == ["Implement email check", "Invite colleagues"]
    assert [one["dependencies"] for one in found] == [[], ["SPEC-1"]]
    assert "Depends on Story 1" not in criteria(peer, spec)


@pytest.mark.parametrize(
    ("heading", "priority"), [("Must-haves", "high"), ("Nice to have", "low"), ("Ideas", "medium")]
)
def test_headings_say_how_much_their_items_weigh(
    peer: OllamaPeer, heading: str, priority: str
) -> None:
    spec = f"# Shop\n## {heading}\n- Gift wrapping\n- A map of all shops\n"
    assert {one["priority"] for one in leaves(peer, spec)} == {priority}


@pytest.mark.parametrize(
    ("clause", "told"),
    [
        ("2.1. A producer MUST send events in batches of at most 500 over HTTPS and TLS.", ""),
        ("/F20/ Das System vergibt eine Nummer und druckt ein Etikett mit Strichcode.", "/F20/ "),
        ("[REQ-7] Events are kept for ten years.", "[REQ-7] "),
    ],
)
def test_numbered_clauses_are_one_requirement_each(
    peer: OllamaPeer, clause: str, told: str
) -> None:
    """Their numbers are no sentences, and names that people refer to them by are kept."""
    number = clause.split(maxsplit=1)[0]
    text = clause.removeprefix(number).strip()
    spec = f"# Events\n## Intake\n{clause}\n{number.replace('2', '3')} Another is told here.\n"
    found = criteria(peer, spec)
    assert len(found) == 2
    assert found[0] == f"{told}{text}"
    assert titles(peer, spec, ticket_count=2)[0][:1] not in {"2", "/", "["}


def test_articles_of_a_law_are_sections(peer: OllamaPeer) -> None:
    spec = (
        'REGULATION ON TILLS\n\nArticle 1\nDefinitions\n\n(a) "till" means a cash register;\n\n'
        "Article 2\nReceipts\n\n(1) A receipt shall contain:\n(a) the date;\n(b) the amount.\n\n"
        "Article 3\nJournal\n\n(1) Entries shall be kept for ten years.\n"
    )
    found = leaves(peer, spec)
    assert [one["metadata"]["component"] for one in found] == ["Receipts", "Journal"]
    assert found[0]["acceptance_criteria"] == [
        "A receipt shall contain: (a) the date; (b) the amount."
    ]


def test_items_below_a_line_about_bugs_are_bugs(peer: OllamaPeer) -> None:
    spec = (
        "Round 3. Please fix before the release.\n\n1) Timeline: scrolling jumps to the top.\n"
        "2) Photos show as grey boxes\n3) Search finds nothing\n"
    )
    found = leaves(peer, spec)
    assert {one["ticket_type"] for one in found[-3:]} == {"bug"}
    assert found[-1]["title"] == "Fix: Search finds nothing"
    assert "Timeline: scrolling jumps to the top." in criteria(peer, spec)


def test_what_stands_around_a_list_of_bugs_is_none(peer: OllamaPeer) -> None:
    """Neither the paragraph above, but for what it asks for, nor a noun such as "freeze"."""
    spec = (
        "QA round 3, build 2.14. Please fix before the release. The build must be signed.\n\n"
        "- Search finds nothing\n- Photos are grey\n"
    )
    assert criteria(peer, spec) == [
        "The build must be signed.",
        "Search finds nothing",
        "Photos are grey",
    ]
    spec = "# Move\n## Phase 0\n- Order the link\n- Agree on the freeze calendar with sales\n"
    (ticket,) = leaves(peer, spec, ticket_count=1)
    assert (ticket["title"], ticket["ticket_type"]) == ("Carry out phase 0", "task")


def test_a_story_in_another_language_names_its_ticket(peer: OllamaPeer) -> None:
    spec = (
        "Como agricultor quiero registrar la cosecha del día desde el móvil.\n"
        "- Tiene que funcionar sin cobertura.\n\n"
        "Como contable quiero exportar las entregas de cada socio.\n- Se guardan cinco años.\n"
    )
    assert titles(peer, spec) == [
        "Como agricultor quiero registrar la cosecha del día desde el móvil",
        "Como contable quiero exportar las entregas de cada socio",
    ]


@pytest.mark.parametrize("heading", ["", "## User stories\n"])
def test_what_is_listed_below_a_story_is_its_criteria(peer: OllamaPeer, heading: str) -> None:
    spec = (
        f"{heading}As a guest I want to pay by card.\n- Cards are checked\n- Receipts are sent\n\n"
        "As a cook I want to see all orders.\n- The newest comes first\n"
    )
    assert [len(one["acceptance_criteria"]) for one in leaves(peer, spec)] == [3, 2]


def test_a_reason_ahead_of_what_is_asked_for_makes_no_title(peer: OllamaPeer) -> None:
    spec = "We had a leak last year, so a second factor is needed for the board.\n"
    assert titles(peer, spec) == ["A second factor is needed for the board"]


def test_minutes_give_their_decisions_and_actions(peer: OllamaPeer) -> None:
    spec = (
        "# Minutes\n**Present:** Ines (product), Tom (dev)\n\n## Review\nTom showed the calendar. "
        "Everyone liked it.\n\n## Swaps\nWe discussed whether members may swap shifts.\n"
        "**Decision:** members can offer a shift to others.\n"
        "**Action:** Tom to build the list of offers.\n\n## AOB\n"
        "- Mira wants dark mode. Parked until autumn.\n"
        "- Do we translate it? Ines asks the board.\n\nNext meeting: 19 March, room 2.\n"
    )
    result = run(peer, job(spec, include_epics=False), model=SMALL)
    told = [text for one in result["tickets"] for text in one["acceptance_criteria"]]
    assert told == [
        "Decision: members can offer a shift to others.",
        "Action: Tom to build the list of offers.",
    ]
    assert len(result["open_questions"]) == 1
    assert titles(peer, spec, ticket_count=2) == [
        "Let members offer a shift to others",
        "Build the list of offers",
    ]


@pytest.mark.parametrize(
    "heading", ["Team calendar", "Pay later", "Savings goals", "Security questions", "Risk scores"]
)
def test_part_of_a_product_is_not_taken_for_one_of_the_document(
    peer: OllamaPeer, heading: str
) -> None:
    spec = f"# Bank\n## {heading}\nThe page shows it.\n## Help\nThe page shows help.\n"
    assert criteria(peer, spec) == ["The page shows it.", "The page shows help."]


@pytest.mark.parametrize(
    "heading",
    [
        "Alternatives considered",
        "Definitions",
        "Summary",
        "Team and schedule",
        "Appendix A: Example",
    ],
)
def test_part_of_a_document_is_no_work(peer: OllamaPeer, heading: str) -> None:
    spec = f"# Bank\n## Help\nThe page shows help.\n## {heading}\nKafka was quick.\n"
    assert criteria(peer, spec) == ["The page shows help."]


def test_fields_are_not_lost_for_being_wrapped(peer: OllamaPeer) -> None:
    """A line in the middle of a sentence may begin like a field."""
    spec = (
        "# Tills\nEach receipt that is printed by a till in one of the shops shows a\n"
        "Reference: number and date, and is kept for ten years.\n"
    )
    (ticket,) = leaves(peer, spec)
    assert len(ticket["acceptance_criteria"]) == 1


def test_nothing_waits_for_itself(peer: OllamaPeer) -> None:
    spec = (
        "# Plan\n## Phase 1\n- Depends on phase 1 and phase 2\n- Set up the till\n"
        "## Phase 2\n- Depends on phase 1\n- Go live\n"
    )
    found = leaves(peer, spec, ticket_count=2)
    assert {one["title"] for one in found} == {"Carry out phase 1", "Carry out phase 2"}
    assert all(one["external_id"] not in one["dependencies"] for one in found)


@pytest.mark.parametrize(
    ("first", "then"),
    [
        ("Record payments in a ledger", "Show a balance per customer (depends on the ledger)"),
        ("Record payments in a ledger", "Build the balance page after the ledger"),
        ("Build the ledger before the balance page", "The balance page lists all customers"),
    ],
    ids=["note", "after", "before"],
)
def test_what_is_said_of_the_work_is_its_order(peer: OllamaPeer, first: str, then: str) -> None:
    spec = f"# Billing\n- {then}\n- Print the terms\n- {first}\n- Export it as CSV\n"
    found = {one["title"].partition(" (")[0]: one for one in leaves(peer, spec)}
    waiting, awaited, *_ = [
        next(one for one in found.values() if text in one["acceptance_criteria"])
        for text in (then, first)
    ]
    assert waiting["dependencies"] == [awaited["external_id"]]
    assert sum(len(one["dependencies"]) for one in found.values()) == 1


def test_a_sentence_that_is_only_an_order_names_both(peer: OllamaPeer) -> None:
    spec = (
        "# Sign-in\nSSO first, then roles.\n\n## Roles\nA role has a name. Staff give roles.\n\n"
        "## SSO\nStaff sign in by the city's SSO. It ends after an hour.\n"
    )
    found = {one["component"]: one for one in map(placed, leaves(peer, spec))}
    assert found["Roles"]["dependencies"] == [found["SSO"]["external_id"]]
    assert found["SSO"]["dependencies"] == []


@pytest.mark.parametrize(
    "told",
    [
        "Show a dialog before the balance page",
        "Newest first, then by name",
        "The price depends on the ledger",
        "Show the balance (without the ledger)",
        "Staff print the terms after the balance page",
        "Deliver the ledger before noon",
        "Release the ledger after lunch",
    ],
)
def test_what_the_product_does_in_turn_is_no_order(peer: OllamaPeer, told: str) -> None:
    spec = f"# Billing\n- Record payments in a ledger\n- Add the balance page\n- {told}\n"
    assert [one["dependencies"] for one in leaves(peer, spec)] == [[], [], []]


def placed(ticket: dict[str, Any]) -> dict[str, Any]:
    """A ticket with its component at hand."""
    return {**ticket, "component": ticket["metadata"]["component"]}


@pytest.mark.parametrize(
    "fields", ["Priority: Won't", "Type: Task   Priority: Won't have", "- Priority: Won't\n"]
)
def test_a_ticket_that_is_ruled_out_is_none(peer: OllamaPeer, fields: str) -> None:
    spec = (
        f"# Tickets\n## Pay by card\nPriority: Must\n\nCards are checked at once.\n"
        f"## Dark mode\n{fields}\n\nThe user can choose a dark theme.\n"
    )
    (found,) = leaves(peer, spec)
    assert found["acceptance_criteria"] == ["Cards are checked at once."]


def test_what_stands_right_below_the_fields_of_a_ticket_is_kept(peer: OllamaPeer) -> None:
    spec = "[SHOP-7] Pay by card\nType: Story   Priority: High\nCards are checked at once.\n"
    found, _ = leaves(peer, f"{spec}\n[SHOP-8] Refunds\nType: Task\nMoney goes back at once.\n")
    assert found["acceptance_criteria"] == ["Cards are checked at once."]
    assert (found["ticket_type"], found["priority"]) == ("story", "high")


def test_an_order_of_stories_is_read_wherever_it_stands(peer: OllamaPeer) -> None:
    spec = (
        "## Story 1: Sign-up\nAs a guest, I want to sign up.\n"
        "## Story 2: Bills\nAs a guest, I want to see my bills.\n"
        "## Story 3: Help\nAs a guest, I want to ask for help.\n\n"
        "**Dependencies:** Story 1 must be completed before Story 2 and Story 3.\n"
    )
    found = leaves(peer, spec)
    assert [one["dependencies"] for one in found] == [[], ["SPEC-1"], ["SPEC-1"]]
    assert "must be completed" not in str(criteria(peer, spec))


def test_epics_that_the_spec_names_are_its_epics(peer: OllamaPeer) -> None:
    spec = (
        "## Epic: Portal\n### Story 1: Sign-up\nAs a guest, I want to sign up.\n"
        "### Story 2: Bills\nAs a guest, I want to see my bills.\n"
        "## Epic: Tools\n### Story 3: Inbox\nAs an agent, I want to see all questions.\n"
    )
    told = run(peer, job(spec), model=SMALL)["tickets"]
    epics = {one["external_id"]: one["title"] for one in told if one["ticket_type"] == "epic"}
    under = [epics.get(one["parent_external_id"]) for one in told if one["ticket_type"] != "epic"]
    assert list(epics.values()) == ["Portal", "Tools"]
    assert under == ["Portal", "Portal", "Tools"]


def test_a_label_is_no_part_of_a_criterion(peer: OllamaPeer) -> None:
    spec = (
        "# User stories\n1. As a guest, I want to mention staff.\n"
        "   - Acceptance criteria: they get a mail at once.\n"
    )
    (found,) = leaves(peer, spec, ticket_count=1)
    assert found["acceptance_criteria"][-1] == "They get a mail at once."
    assert "Acceptance" not in found["description"]


def test_what_stands_in_brackets_behind_a_heading_is_its_weight(peer: OllamaPeer) -> None:
    spec = (
        "# Stock\n## F1: Scanning (Priority: High)\nWorkers scan each box.\n"
        "## F2: Reports [could have]\nManagers see the turnover. It depends on F1.\n"
        "## F3: Fax (won't have)\nManagers get a fax.\n## F4: Battery (low)\nStaff see a lamp.\n"
    )
    found = [(one["title"], one["priority"]) for one in leaves(peer, spec)]
    assert found == [
        ("Implement scanning", "high"),
        ("Implement reports", "low"),
        ("Implement battery (low)", "low"),
    ]
    assert leaves(peer, spec)[1]["dependencies"] == ["SPEC-1"]
