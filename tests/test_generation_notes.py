"""Mails, talks, nested lists and code as specs, with a small model: read as they are meant."""

from collections.abc import Iterator

import pytest

from tests.generation import criteria, job, leaves, run, titles
from tests.ollama_peer import SMALL, OllamaPeer

MAIL = """Hi team,

as discussed yesterday: the newsletter. People keep complaining that they get it twice, so please
dedupe by customer id. Also the unsubscribe link goes to a 404. Sarah wants a preview of it.

We need this before Black Friday.

Thx, Jo
"""
NESTED = """# Clinic intake
## Rules
- Form
  - name and birth date are required
  - the number is checked against the registry
    - if the registry is down, accept and flag the form
- Wristband:
  - prints in under 5 seconds
- Nurses can print it again
  - at most twice
"""


@pytest.fixture(scope="module")
def peer() -> Iterator[OllamaPeer]:
    with OllamaPeer() as running:
        yield running


def test_a_mail_is_read_for_what_it_asks(peer: OllamaPeer) -> None:
    assert titles(peer, MAIL) == [
        "Dedupe by customer id",
        "Fix: The unsubscribe link goes to a 404",
    ]
    assert "Sarah wants a preview of it." in criteria(peer, MAIL)


def test_greetings_are_in_no_ticket(peer: OllamaPeer) -> None:
    told = str(leaves(peer, MAIL))
    assert "Hi team" not in told
    assert "Thx" not in told


@pytest.mark.parametrize(
    "line",
    ["Thanks page shows the order.", "Best results come first.", "Hello world is printed."],
)
def test_what_only_begins_like_a_greeting_is_work(peer: OllamaPeer, line: str) -> None:
    assert line in criteria(peer, f"# Shop\n{line}\n")


def test_a_list_below_a_name_belongs_to_it(peer: OllamaPeer) -> None:
    found = {one["title"]: one["acceptance_criteria"] for one in leaves(peer, NESTED)}
    assert found["Build the form"] == [
        "name and birth date are required",
        "the number is checked against the registry",
        "if the registry is down, accept and flag the form",
    ]
    assert found["Implement wristband"] == ["prints in under 5 seconds"]
    assert "Nurses can print it again" in criteria(peer, NESTED)
    assert all(one["metadata"]["component"] == "Rules" for one in leaves(peer, NESTED))


def test_a_line_further_left_does_not_continue_an_item(peer: OllamaPeer) -> None:
    spec = "endpoints:\n  - list the entries\n  - sum the entries\nThe rate must be 50/s.\n"
    assert criteria(peer, spec) == [
        "list the entries",
        "sum the entries",
        "The rate must be 50/s.",
    ]


def test_a_spec_of_code_alone_is_read_as_text(peer: OllamaPeer) -> None:
    spec = "```yaml\nendpoints:\n  - POST /entries: append one\n  - GET /entries: list all\n```\n"
    assert criteria(peer, spec) == ["POST /entries: append one", "GET /entries: list all"]
    (first, _) = leaves(peer, spec, ticket_count=2)
    (span,) = first["metadata"]["source_spans"]
    assert spec[span["start"] : span["end"]] == "POST /entries: append one"


@pytest.mark.parametrize(
    "story",
    [
        "As the city, I want a monthly report per zone.",
        "Als Fahrer möchte ich freie Plätze sehen.",
        "En tant que conducteur, je veux payer par téléphone.",
        "Como conductor, quiero pagar con el móvil.",
        "Come autista, voglio pagare con il telefono.",
    ],
)
def test_stories_before_the_first_chapter_are_stories(peer: OllamaPeer, story: str) -> None:
    spec = f"# Parking\n{story}\n## Rules\n- Plates are deleted after 30 days.\n"
    kinds = {one["acceptance_criteria"][0]: one["ticket_type"] for one in leaves(peer, spec)}
    assert kinds[story] == "story"


def test_an_opening_that_demands_is_work_to_its_last_sentence(peer: OllamaPeer) -> None:
    spec = (
        "# Portal\nLos proveedores deben subir facturas. El sistema valida el RFC.\n"
        "## Pagos\nLos pagos se programan los viernes.\n"
    )
    assert "El sistema valida el RFC." in criteria(peer, spec)


def test_an_opening_in_a_language_without_known_words_is_work(peer: OllamaPeer) -> None:
    spec = "# 図書館\n予約は7日間有効である。\n## 通知\n本が返却されたら、メールを送る。\n"
    assert "予約は7日間有効である。" in criteria(peer, spec)


def test_what_a_document_begins_with_is_no_work(peer: OllamaPeer) -> None:
    spec = (
        "# PRD: Lists\n| Field | Value |\n| --- | --- |\n| Author | M. Ortega |\n"
        "| Target release | 4.2 |\n## Introduction\nThis document describes how lists MUST be "
        "shared.\n## Sharing\n- Links expire after 7 days.\n"
    )
    assert criteria(peer, spec) == ["Links expire after 7 days."]
    assert "Ortega" not in str(run(peer, job(spec), model=SMALL))


def test_code_below_its_name_is_the_criterion(peer: OllamaPeer) -> None:
    spec = "# Lists\nLinks expire after 7 days. API:\n```\nDELETE /lists/{id}\n```\n"
    assert criteria(peer, spec) == ["Links expire after 7 days.", "DELETE /lists/{id}"]


def test_a_talk_is_read_for_what_is_to_be_done(peer: OllamaPeer) -> None:
    spec = (
        "[10:02] Ana: ok so what do we need for the dashboard\n[10:03] Ben: login via SSO\n"
        "[10:03] Ana: yes. and vendors only see their own orders\n"
        "[10:06] Ana: what about refunds?\n"
        "[10:07] Ben: later. but show the refund status\n"
    )
    assert titles(peer, spec) == [
        "Add login via SSO",
        "Vendors only see their own orders",
        "Show the refund status",
    ]
    asked = [one["question"] for one in run(peer, job(spec), model=SMALL)["open_questions"]]
    assert asked == ["ok so what do we need for the dashboard", "what about refunds?"]


def test_a_question_among_risks_is_asked(peer: OllamaPeer) -> None:
    spec = (
        "# Links\n- Links expire.\n## Risks and open questions\n- Is a captcha needed?\n- Spam.\n"
    )
    result = run(peer, job(spec), model=SMALL)
    assert [one["question"] for one in result["open_questions"]] == ["Is a captcha needed?"]
    assert [one["description"] for one in result["risks"]] == ["Spam."]


def test_numbered_requirements_are_each_one_and_keep_their_number(peer: OllamaPeer) -> None:
    spec = (
        "INVENTORY\n\nFUNCTIONAL REQUIREMENTS:\nFR-1 The system shall track stock.\n"
        "FR-2 The system shall reserve stock\nwhen an order is placed.\n"
        "NON-FUNCTIONAL REQUIREMENTS:\nNFR-1 All actions shall be logged.\n"
        "ASSUMPTIONS:\nScanners exist.\n"
    )
    assert {one["title"]: one["acceptance_criteria"] for one in leaves(peer, spec)} == {
        "Track stock": ["FR-1 The system shall track stock."],
        "Reserve stock when an order is placed": [
            "FR-2 The system shall reserve stock when an order is placed."
        ],
        "Meet the non-functional requirements": ["NFR-1 All actions shall be logged."],
    }


def test_acceptance_criteria_belong_to_what_they_stand_under(peer: OllamaPeer) -> None:
    spec = (
        "# Shop\n## Pay by phone\nShoppers pay by phone.\n### Acceptance criteria\n"
        "- A failed payment is not charged.\n- A receipt is sent.\n"
        "## Find\n- Shoppers search by name.\n## Acceptance\n- It works in two browsers.\n"
    )
    found = {one["title"]: one["acceptance_criteria"] for one in leaves(peer, spec)}
    assert [len(own) for own in found.values()] == [3, 1, 1]
    assert found["Meet the acceptance criteria"] == ["It works in two browsers."]


def test_a_proposal_before_the_first_chapter_is_work(peer: OllamaPeer) -> None:
    spec = (
        "# Sessions\nWe keep them in MySQL.\n\n**Proposal**: move sessions to Redis.\n"
        "## Steps\n- Add a store.\n"
    )
    assert "Proposal: move sessions to Redis." in criteria(peer, spec)


HTML = """<h1>Data export</h1>
<p>Users can request a copy. We must deliver it within <b>30&nbsp;days</b>.</p>
<h2 class="x">Formats</h2><ul><li>JSON &amp; CSV</li><li>A link for 72 hours</li></ul>
<table><tr><th>Role</th><th>Sees</th></tr><tr><td>Support</td><td>the state</td></tr></table>
"""


def test_html_is_read_as_what_it_shows(peer: OllamaPeer) -> None:
    found = leaves(peer, HTML)
    told = [text for one in found for text in one["acceptance_criteria"]]
    assert told == [
        "Users can request a copy.",
        "We must deliver it within 30 days.",
        "JSON & CSV",
        "A link for 72 hours",
        "Support \N{EN DASH} Sees: the state",
    ]
    spans = [span for one in found for span in one["metadata"]["source_spans"]]
    assert "JSON &amp; CSV" in [HTML[span["start"] : span["end"]] for span in spans]


def test_tags_that_a_spec_speaks_of_stay(peer: OllamaPeer) -> None:
    rule = "The editor must drop <script> and keep <b>."
    assert criteria(peer, f"# Editor\n{rule}\n") == [rule]


def test_the_opening_is_told_by_the_epic(peer: OllamaPeer) -> None:
    spec = (
        "# Parking\nDrivers circle the block.\n## Pay\n- By phone.\n- By card.\n"
        "## Find\n- Free spots are shown.\n- Spots can be kept.\n"
    )
    epic = run(peer, job(spec, ticket_count=5), model=SMALL)["tickets"][0]
    assert epic["ticket_type"] == "epic"
    assert epic["description"].startswith("Drivers circle the block.")
