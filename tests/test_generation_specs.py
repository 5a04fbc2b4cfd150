"""Specs as people write them, with a small model: no requirement gets lost or bent."""

from collections.abc import Iterator

import pytest

from tests.generation import criteria, job, leaves, run, titles
from tests.ollama_peer import SMALL, OllamaPeer


@pytest.fixture(scope="module")
def peer() -> Iterator[OllamaPeer]:
    with OllamaPeer() as running:
        yield running


def test_first_chapter_is_work_when_the_title_stands_alone(peer: OllamaPeer) -> None:
    spec = (
        "Covoiturage\n\n1. Inscription\nLe compte est bloqué après cinq essais.\n\n"
        "2. Trajets\n- Un passager réserve une place.\n"
    )
    assert "Le compte est bloqué après cinq essais." in criteria(peer, spec)


def test_what_a_document_says_about_itself_is_no_work(peer: OllamaPeer) -> None:
    spec = (
        "# CRM\n**Owner:** Dana, **Status:** draft\n\n## Merge\nThis document describes the merge. "
        "A merge can be undone for 30 days.\n\n## Timeline\nBeta in June.\n"
    )
    assert criteria(peer, spec) == ["A merge can be undone for 30 days."]


def test_sentences_about_who_asks_are_no_criteria(peer: OllamaPeer) -> None:
    spec = "We run eleven libraries. Members should be able to reserve any title."
    assert criteria(peer, spec) == ["Members should be able to reserve any title."]
    assert titles(peer, spec) == ["Let members reserve any title"]


def test_each_user_story_is_a_ticket_with_what_follows_it(peer: OllamaPeer) -> None:
    spec = (
        "As a parent I want to plan meals so that I shop once. Plans cover a week.\n"
        "As a shopper I want a list sorted by aisle.\n"
    )
    assert titles(peer, spec) == [
        "Let a parent plan meals",
        "Give a shopper a list sorted by aisle",
    ]
    assert "Plans cover a week." in leaves(peer, spec)[0]["acceptance_criteria"]


def test_notes_in_telegraphic_style_are_read_as_english(peer: OllamaPeer) -> None:
    spec = (
        "Fleet tracker MVP\n\n- vans report GPS every 10s\n- geofence alerts (enter/leave)\n"
        "- must work offline for 2h\n- admin: manage vans, drivers\n"
    )
    assert titles(peer, spec) == [
        "Vans report GPS every 10s",
        "Add geofence alerts",
        "Make it work offline for 2h",
        "Admin: manage vans, drivers",
    ]


def test_what_stands_under_a_heading_of_bugs_are_bugs(peer: OllamaPeer) -> None:
    spec = "# App\n## Bugs to fix on the way\n- The search ignores umlauts\n- Export is slow\n"
    found = leaves(peer, spec)
    assert [ticket["ticket_type"] for ticket in found] == ["bug", "bug"]
    assert [ticket["title"] for ticket in found] == [
        "Fix: The search ignores umlauts",
        "Fix: Export is slow",
    ]


def test_fault_among_requirements_is_a_ticket_of_its_own(peer: OllamaPeer) -> None:
    spec = (
        "# Reports\nReports show all loans. The old server crashes every Sunday. "
        "Managers can export a report.\n"
    )
    assert [ticket["ticket_type"] for ticket in leaves(peer, spec)].count("bug") == 1
    bug = next(ticket for ticket in leaves(peer, spec) if ticket["ticket_type"] == "bug")
    assert bug["acceptance_criteria"] == ["The old server crashes every Sunday."]


@pytest.mark.parametrize(
    "wish",
    [
        "Users can report bugs from any page.",
        "The app must not crash without a network.",
        "Rent is a fixed fee of 5 EUR a month.",
    ],
)
def test_wish_that_speaks_of_faults_is_no_bug(peer: OllamaPeer, wish: str) -> None:
    assert leaves(peer, f"# App\n{wish}\n")[0]["ticket_type"] != "bug"


def test_steps_depend_on_those_before_them(peer: OllamaPeer) -> None:
    spec = (
        "# Move\n## Steps\n1. Set up the runners.\n2. Convert the jobs.\n3. Switch off Jenkins.\n"
    )
    found = leaves(peer, spec)
    assert [ticket["title"] for ticket in found] == [
        "Set up the runners",
        "Convert the jobs",
        "Switch off Jenkins",
    ]
    assert [ticket["dependencies"] for ticket in found] == [[], ["SPEC-1"], ["SPEC-2"]]


def test_numbered_rules_have_no_order(peer: OllamaPeer) -> None:
    spec = (
        "# Hooks\n## Requirements\n1. The service must sign each request.\n"
        "2. Customers can replay events.\n"
    )
    assert [ticket["dependencies"] for ticket in leaves(peer, spec)] == [[], []]


def test_example_code_is_told_with_its_sentence_and_is_no_criterion(peer: OllamaPeer) -> None:
    spec = (
        "# API\n## Endpoints\n`POST /hooks` registers a hook:\n\n```json\n"
        '{"url": "https://example.com"}\n```\n\nErrors are JSON.\n'
    )
    (ticket,) = leaves(peer, spec)
    assert ticket["acceptance_criteria"] == ["POST /hooks registers a hook.", "Errors are JSON."]
    assert '"url"' in ticket["description"]


def test_row_is_named_by_its_first_words(peer: OllamaPeer) -> None:
    spec = "| Points | Reward |\n|---|---|\n| 50 | Free espresso |\n| 120 | Free lunch |\n"
    assert titles(peer, spec) == ["Implement free espresso", "Implement free lunch"]


def test_japanese_bullets_are_items(peer: OllamaPeer) -> None:
    spec = "在庫管理\n\n機能\n・商品を登録できること。\n・在庫が減ったら通知する。\n"
    assert criteria(peer, spec) == ["商品を登録できること。", "在庫が減ったら通知する。"]


def test_wish_for_others_is_an_ability(peer: OllamaPeer) -> None:
    spec = "We would like members to be able to pay fees by card."
    assert titles(peer, spec) == ["Let members pay fees by card"]


def test_two_statements_are_not_run_together(peer: OllamaPeer) -> None:
    spec = "Reports are due each quarter and must show loans per branch."
    assert titles(peer, spec) == [
        "Ensure that reports are due each quarter and must show loans per branch"
    ]


def test_paragraph_is_what_its_label_says(peer: OllamaPeer) -> None:
    spec = (
        "Background: Nurses type forms. That takes ten minutes.\n\n"
        "Patients fill in the form on a tablet. They can save it.\n\n"
        "Later: scanning of insurance cards.\n"
    )
    assert criteria(peer, spec) == ["Patients fill in the form on a tablet.", "They can save it."]


def test_text_without_headings_is_taken_by_its_paragraphs(peer: OllamaPeer) -> None:
    spec = (
        "Patients fill in the form on a tablet. They can save it. A signature is captured.\n\n"
        "Nurses see new forms in a list. They can correct entries.\n"
    )
    assert [len(ticket["acceptance_criteria"]) for ticket in leaves(peer, spec)] == [3, 2]


@pytest.mark.parametrize(
    ("sentence", "title"),
    [
        ("A merge can be undone for 30 days.", "Allow a merge to be undone for 30 days"),
        ("The form must be available in Spanish.", "Ensure that the form is available in Spanish"),
        ("Photos may be up to 8 MB each.", "Allow photos to be up to 8 MB"),
        ("When a nurse approves a form, its data is stored.", "When a nurse approves a form"),
    ],
)
def test_title_says_what_the_sentence_says(peer: OllamaPeer, sentence: str, title: str) -> None:
    assert titles(peer, sentence)[0].startswith(title)


def test_heading_in_capitals_is_calmed(peer: OllamaPeer) -> None:
    spec = "# NOTES\n## ORDER HISTORY\nThe page shows orders. It shows prices.\n"
    assert titles(peer, spec) == ["Implement order history"]


def test_table_stays_in_one_ticket_where_it_can(peer: OllamaPeer) -> None:
    rows = "".join(f"| Reason {n} | {n} EUR |\n" for n in "abcd")
    spec = (
        "# Returns\n## Reasons\nA customer gives a reason for each item.\n\n| Reason | Cost |\n"
        f"|---|---|\n{rows}\nPhotos are limited to 8 MB. Photos are stored for a year.\n"
        "## Labels\nA label is valid for 14 days.\n"
    )
    holders = [
        ticket["title"]
        for ticket in leaves(peer, spec)
        if any("Cost:" in criterion for criterion in ticket["acceptance_criteria"])
    ]
    assert len(holders) == 1


@pytest.mark.parametrize(
    ("heading", "title"),
    [
        ("Errors have one shape", "Ensure that errors have one shape"),
        ("What comes first", "Cover what comes first"),
        ("Read and list", "Read and list shipments"),
        ("Cancel", "Cancel shipments"),
        ("The handbook", "Implement the handbook"),
    ],
)
def test_heading_becomes_work(peer: OllamaPeer, heading: str, title: str) -> None:
    spec = (
        f"# API\n## Shipments\n### {heading}\nOne is shown. Two follow. Then the handbook ends.\n"
        "### Limits\n50 requests per second. Bursts of 200 requests.\n"
    )
    assert titles(peer, spec)[0] == title


def test_merged_sections_stay_whole(peer: OllamaPeer) -> None:
    """Fewer tickets than sections: a section is not torn to make two equal halves."""
    sections = "".join(
        f"## Chapter {name}\n" + f"The page shows {name}. " * 12 + "\n" for name in "ABCDEF"
    )
    found = leaves(peer, f"# Book\n{sections}", ticket_count=3)
    assert len({ticket["title"] for ticket in found}) == 3
    for name in "ABCDEF":
        holders = [t for t in found if f"The page shows {name}." in t["acceptance_criteria"]]
        assert len(holders) <= 1


def test_sentence_that_begins_with_code_is_a_sentence(peer: OllamaPeer) -> None:
    spec = "There is a risk that partners parse errors of `v1`. `v1` is switched off by partner."
    assert criteria(peer, spec) == ["v1 is switched off by partner."]


def test_what_is_put_off_is_no_work(peer: OllamaPeer) -> None:
    spec = "The page shows all trails. Maybe later also winter routes, but not now."
    assert criteria(peer, spec) == ["The page shows all trails."]


def test_risk_under_a_heading_of_questions_is_a_risk(peer: OllamaPeer) -> None:
    spec = (
        "## Recherche\nLe lecteur peut chercher un titre.\n\n## Questions ouvertes\n"
        "Il y a un risque que l'export manque. Qui paie ?\n"
    )
    result = run(peer, job(spec), model=SMALL)
    assert [risk["description"] for risk in result["risks"]] == [
        "Il y a un risque que l'export manque."
    ]
    assert [asked["question"] for asked in result["open_questions"]] == ["Qui paie ?"]


def test_what_is_said_in_a_chat_is_told_apart(peer: OllamaPeer) -> None:
    spec = (
        "[09:12] Maria: members get a stamp for each coffee\n"
        "[09:13] Tom: ten stamps = a free one?\n"
        "09:15 - Maria: staff must be able to undo a stamp\n"
        "12/03/2026, 9:18 AM - Tom: push notifications?\n"
    )
    result = run(peer, job(spec), model=SMALL)
    told = [each for ticket in result["tickets"] for each in ticket["acceptance_criteria"]]
    assert told == ["members get a stamp for each coffee", "staff must be able to undo a stamp"]
    asked = [question["question"] for question in result["open_questions"]]
    assert asked == ["ten stamps = a free one?", "push notifications?"]


def test_lines_behind_symbols_are_items_and_a_cross_stays(peer: OllamaPeer) -> None:
    spec = (
        "🚀 Launch plan 🚀\n\n"
        "✅ users can react to a post\n❌ ads between posts\n🔥 it loads fast\n"
    )
    assert criteria(peer, spec) == [
        "users can react to a post",
        "❌ ads between posts",
        "it loads fast",
    ]
    assert "Let users react to a post" in titles(peer, spec, ticket_count=3)


def test_paragraphs_of_a_law_are_sections(peer: OllamaPeer) -> None:
    spec = (
        "§ 1 Retention\n(1) Invoices shall be kept for ten years.\n(2) Drafts shall be deleted.\n"
        "§ 2 Access\n(1) Every access shall be logged.\n"
    )
    found = leaves(peer, spec, ticket_count=2)
    assert [ticket["metadata"]["component"] for ticket in found] == ["Retention", "Access"]
    assert "Drafts shall be deleted." in found[0]["acceptance_criteria"]


@pytest.mark.parametrize(
    "question", ["学生は免除できるか\uff1f", "Multi-currency?", "what if it rains"]
)
def test_short_questions_are_kept(peer: OllamaPeer, question: str) -> None:
    spec = f"# Fees\n- The fee is paid by card.\n- {question}\n"
    result = run(peer, job(spec), model=SMALL)
    assert [asked["question"] for asked in result["open_questions"]] == [question]


def test_title_that_has_to_be_cut_says_so(peer: OllamaPeer) -> None:
    """What fits into the room that the contract gives is not cut at all."""
    words = "sehr lange und ausführliche Beschreibung der Abläufe"
    whole, long = f"Die Prüfung erfolgt durch {words}", f"Die Lieferung erfolgt durch {words * 3}"
    first, second = titles(peer, f"- {whole}\n- {long}\n- Der Rest ist kurz\n", ticket_count=3)[:2]
    assert first == whole
    assert len(second) <= 120
    assert second.endswith("…")
    assert long.startswith(second.removesuffix("…"))


@pytest.mark.parametrize(
    ("said", "title"),
    [
        ("Not before noon", "Not before noon"),
        ("it may not apply to guests", "It may not apply to guests"),
        ("Fine. login by link", "Fine. login by link"),
    ],
)
def test_what_is_no_thing_is_not_added(peer: OllamaPeer, said: str, title: str) -> None:
    assert title in titles(peer, f"- {said}\n- Voucher codes\n", ticket_count=2)


def test_waiting_lists_are_things(peer: OllamaPeer) -> None:
    assert titles(peer, "# Clinic\n## Waiting list\nPatients can join it.\n") == [
        "Implement waiting list"
    ]


def test_quoted_lines_are_read_without_their_marks(peer: OllamaPeer) -> None:
    spec = (
        "Tom's mail:\n> The gateway takes 60 calls a minute.\n> Calls must be queued\n> in order.\n"
        ">\n> - A fake of it is used in tests.\n\n> 5 s of silence must raise an alarm.\n"
    )
    assert set(criteria(peer, spec)) == {
        "The gateway takes 60 calls a minute.",
        "Calls must be queued in order.",
        "A fake of it is used in tests.",
        "> 5 s of silence must raise an alarm.",
    }


def test_head_and_signature_of_a_mail_are_no_work(peer: OllamaPeer) -> None:
    spec = (
        "From: Ann B. <ann@example.org>\nTo: dev-all\nSubject: Re: Door codes\n\n"
        "Guests get a code by text message.\n\n-- \nAnn B. | Doors Ltd | +44 20 5550 0100\n"
    )
    assert criteria(peer, spec) == ["Guests get a code by text message."]


def test_comments_and_the_place_of_a_table_of_contents_are_no_work(peer: OllamaPeer) -> None:
    spec = "# Shop\n[TOC]\n\n<!-- ask Jo about this -->\nCarts are kept for a day.\n"
    assert criteria(peer, spec) == ["Carts are kept for a day."]


def test_line_that_only_leads_to_a_list_is_no_work(peer: OllamaPeer) -> None:
    spec = "what we need from day one\n- codes by text\n- a log of all openings\n"
    assert criteria(peer, spec) == ["codes by text", "a log of all openings"]


def test_labels_of_notes_say_what_they_are(peer: OllamaPeer) -> None:
    spec = (
        "Guests get a code.\n\nopen: who pays for locks? Legal hasn't said how long logs may be "
        "kept.\n\nrisk - the vendor could be sold.\n"
    )
    result = run(peer, job(spec, include_epics=False), model=SMALL)
    assert [ticket["acceptance_criteria"] for ticket in result["tickets"]] == [
        ["Guests get a code."]
    ]
    assert len(result["open_questions"]) == 2
    assert [risk["description"] for risk in result["risks"]] == ["risk - the vendor could be sold."]


@pytest.mark.parametrize(
    ("outside", "risks", "questions"),
    [
        ("Buiten scope", "Risico's", "Open vragen"),
        ("Poza zakresem", "Ryzyka", "Otwarte pytania"),
        ("Вне рамок", "Риски", "Открытые вопросы"),
        ("対象外", "リスク", "未解決の質問"),
    ],
)
def test_headings_in_further_languages_keep_what_is_no_work_apart(
    peer: OllamaPeer, outside: str, risks: str, questions: str
) -> None:
    spec = (
        f"# Fiets\n## Slot\nHet slot gaat open met een code.\n## {outside}\n- Steps\n"
        f"## {risks}\n- De bouwer van de sloten stopt.\n## {questions}\n- Wie betaalt de band.\n"
    )
    result = run(peer, job(spec, include_epics=False), model=SMALL)
    told = [ticket["acceptance_criteria"] for ticket in result["tickets"]]
    assert told == [["Het slot gaat open met een code."]]
    assert [risk["description"] for risk in result["risks"]] == ["De bouwer van de sloten stopt."]
    assert [q["question"] for q in result["open_questions"]] == ["Wie betaalt de band."]


def test_opening_of_a_chapter_is_no_work_when_its_sections_are(peer: OllamaPeer) -> None:
    spec = (
        "# Farms\n## Orders\nToday orders come by fax.\n### Entry\nCooks order online.\n"
        "## Stock\nToday nobody counts it.\n### Count\nStock is counted daily.\n"
    )
    assert criteria(peer, spec) == ["Cooks order online.", "Stock is counted daily."]


def test_sections_called_alike_are_told_apart_by_their_chapters(peer: OllamaPeer) -> None:
    chapters = ["Farms", "Kitchens", "Routes", "Invoices"]
    spec = "# Market\n" + "".join(
        f"## {name}\n### Details on paper\n{name} have a page.\n### Notice\n{name} send a mail.\n"
        for name in chapters
    )
    for count in (4, 8):
        found = titles(peer, spec, ticket_count=count)
        assert len(set(found)) == count
        for place, title in enumerate(found):
            assert chapters[place * 4 // count].lower() in title.lower()


def test_fault_of_a_prototype_is_a_bug_called_without_its_label(peer: OllamaPeer) -> None:
    spec = "Guests get a code.\n\nbug btw: in the prototype the time zone is wrongly set.\n"
    bug = leaves(peer, spec)[-1]
    assert bug["ticket_type"] == "bug"
    assert bug["title"] == "Fix: In the prototype the time zone is wrongly set"
