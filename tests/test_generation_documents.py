"""Mails, chats, questions with answers, forms and policies are read as people write them."""

from collections.abc import Iterator

import pytest

from tests.generation import criteria, job, leaves, run, titles
from tests.ollama_peer import SMALL, OllamaPeer


@pytest.fixture(scope="module")
def peer() -> Iterator[OllamaPeer]:
    with OllamaPeer() as running:
        yield running


@pytest.mark.parametrize(
    "heading",
    [
        "What we are not doing",
        "Not in this proposal",
        "Not in v1.2",
        "Not for the MVP",
        "Nicht Gegenstand",
        "Requests we declined",
    ],
)
def test_what_a_heading_says_is_not_done_makes_no_ticket(peer: OllamaPeer, heading: str) -> None:
    spec = f"# Points\n## Points\nCustomers earn points.\n## {heading}\n- Tiers\n- Gifts\n"
    assert criteria(peer, spec) == ["Customers earn points."]


@pytest.mark.parametrize(
    "heading",
    [
        "What the app must not do",
        "What we don't have yet",
        "Not found page",
        "Not in stock",
        "Not for sale",
        "Rejected payments",
    ],
)
def test_a_heading_that_only_sounds_so_is_about_the_work(peer: OllamaPeer, heading: str) -> None:
    spec = f"# Points\n## Points\nCustomers earn points.\n## {heading}\n- It shows why.\n"
    assert criteria(peer, spec) == ["Customers earn points.", "It shows why."]


@pytest.mark.parametrize(
    "heading", ["Who is it for", "What she does today", "Methodology", "Disclaimer", "Deadline"]
)
def test_what_stands_around_the_work_makes_no_ticket(peer: OllamaPeer, heading: str) -> None:
    spec = f"# Points\n## Points\nCustomers earn points.\n## {heading}\n- Copies a file by hand\n"
    assert criteria(peer, spec) == ["Customers earn points."]


def test_what_leads_in_to_the_list_below_a_title_is_told_and_not_asked_for(
    peer: OllamaPeer,
) -> None:
    spec = "# Courts\nThe club has four courts.\n\n1. A member books a court.\n2. Guests pay.\n"
    assert criteria(peer, f"{spec}3. Lights go on.\n") == [
        "A member books a court.",
        "Guests pay.",
        "Lights go on.",
    ]
    assert criteria(peer, spec.replace("has", "must have") + "3. Lights go on.\n")[0] == (
        "The club must have four courts."
    )


def test_small_talk_and_signatures_of_a_mail_ask_for_nothing(peer: OllamaPeer) -> None:
    spec = (
        "Hi Sam,\n\nGreat talking to you yesterday! Sorry it's a bit long.\n\n"
        "The home page should show one big photo.\n\nWarm regards\nPetra\n\n"
        "--\nPetra Lind | Kiln AB | Malmö\nThis e-mail may contain secrets. Please delete it.\n"
    )
    assert criteria(peer, spec) == ["The home page should show one big photo."]


def test_a_closing_in_another_language_is_no_requirement(peer: OllamaPeer) -> None:
    spec = (
        "Bonjour,\n\nLe site doit fonctionner sur mobile et en français.\n\n"
        "Nous ne demandons pas de paiement en ligne.\n\nCordialement,\nHélène M.\nVie associative\n"
    )
    assert criteria(peer, spec) == ["Le site doit fonctionner sur mobile et en français."]


def test_who_speaks_and_when_is_no_part_of_what_is_said(peer: OllamaPeer) -> None:
    spec = (
        "nadia  10:02 AM\nwe need people to book a spot\n\ntomek  10:03 AM\n"
        "reception needs a list of today's visitors\n\nravi  10:08 AM\nwe must delete plates\n"
    )
    assert titles(peer, spec, ticket_count=3) == [
        "Let people book a spot",
        "Give reception a list of today's visitors",
        "Delete plates",
    ]


@pytest.mark.parametrize(("asked", "answer"), [("Q: ", "A: "), ("**Q:** ", "**A:** ")])
def test_an_answer_stands_under_its_question(peer: OllamaPeer, asked: str, answer: str) -> None:
    spec = (
        f"# Card\n\n{asked}Can points be negative?\n{answer}No. Set the balance to 0.\n\n"
        f"{asked}How many points per euro?\n{answer}One point per full euro.\n"
    )
    assert titles(peer, spec) == ["Set the balance to 0", "Cover “How many points per euro?”"]
    assert run(peer, job(spec), model=SMALL)["open_questions"] == []


def test_headings_that_run_in_to_their_text_part_it(peer: OllamaPeer) -> None:
    spec = (
        "# Policy\n\n**§ 4 Consent.** You can withdraw it at any time.\n\n"
        '**§ 5 Retention.** "Old accounts are erased." There is no job for it.\n'
    )
    assert titles(peer, spec) == ["Implement consent", "Implement retention"]
    assert criteria(peer, spec)[1] == '"Old accounts are erased."'


def test_a_sentence_in_bold_alone_parts_nothing(peer: OllamaPeer) -> None:
    spec = "# Rooms\n\n**It must be fast.** Members book rooms.\n"
    assert criteria(peer, spec) == ["It must be fast. Members book rooms."]


def test_a_short_line_above_a_sentence_heads_it(peer: OllamaPeer) -> None:
    spec = "Game page\n\nAudio\nEach monster gets its own theme.\n\nBoats\nAny player repairs it.\n"
    assert [one["labels"] for one in leaves(peer, spec)] == [["audio"], ["boats"]]


def test_chinese_numerals_number_headings(peer: OllamaPeer) -> None:
    spec = (
        "快递柜需求\n\n一、背景\n现有快递柜只支持短信。\n\n二、功能需求\n1. 住户可以扫码取件。\n"
        "2. 系统应推送通知。\n\n三、性能要求\n开门时间不超过1秒。\n\n四、暂不考虑\n广告屏。\n"
    )
    assert criteria(peer, spec) == ["住户可以扫码取件。", "系统应推送通知。", "开门时间不超过1秒。"]


def test_a_table_of_scenarios_is_read_as_sentences(peer: OllamaPeer) -> None:
    spec = (
        "# Return\nAs a driver, I want to end my trip in the app.\n\n"
        "| Given | When | Then |\n|---|---|---|\n"
        '| The key is missing | I tap "End" | I am told where it is |\n'
        '| A door is open | I tap "End" | The trip goes on |\n'
    )
    (found,) = leaves(peer, spec)
    assert found["ticket_type"] == "story"
    assert found["acceptance_criteria"][1:] == [
        'Given the key is missing, when I tap "End", then I am told where it is',
        'Given a door is open, when I tap "End", then the trip goes on',
    ]


def test_a_heading_that_goes_on_from_the_one_above_is_named_with_it(peer: OllamaPeer) -> None:
    spec = (
        "# Centre\n- Templates\n  - edited by marketing\n    - preview with sample data\n"
        "    - approval by a second person\n- Reports\n  - by month\n    - with totals\n"
    )
    assert titles(peer, spec) == [
        "Implement templates edited by marketing",
        "Implement reports by month",
    ]


def test_what_is_said_in_brackets_about_today_does_not_take_a_wish_away(peer: OllamaPeer) -> None:
    spec = "# Game\nPalettes for colour-blind players (red is used today).\nAim is remappable.\n"
    assert "Palettes for colour-blind players" in " ".join(criteria(peer, spec))


def test_titles_of_another_language_do_not_repeat_what_the_spec_is_called(
    peer: OllamaPeer,
) -> None:
    spec = (
        "# Prenotazione dei campi\n\n1. Il socio prenota un campo per 90 minuti.\n"
        "2. La luce si accende da sola e si spegne alla fine.\n3. Gli ospiti pagano con carta.\n"
    )
    assert titles(peer, spec)[0] == "Il socio prenota un campo per 90 minuti"


@pytest.mark.parametrize(
    "contents",
    [
        "1. Introduction ............ 3\n2. Rooms ............ 4\n   2.1 Search . . . . . . 6\n",
        "- [Introduction](#introduction)\n- [Rooms](#rooms)\n  - [Search](#search)\n",
    ],
)
def test_a_table_of_contents_is_no_work(peer: OllamaPeer, contents: str) -> None:
    spec = f"# Booking\n## Table of contents\n{contents}\n## Rooms\nMembers book rooms.\n"
    assert criteria(peer, spec) == ["Members book rooms."]
    assert run(peer, job(spec), model=SMALL)["source"]["summary"] == "Members book rooms."


def test_the_table_that_a_document_begins_with_says_whose_it_is(peer: OllamaPeer) -> None:
    spec = (
        "# Booking\n## Requirements document\n| Document | B-1 |\n|---|---|\n| Version | 2.3 |\n"
        "| Prepared by | IT |\n\n## Rooms\nMembers book rooms.\n"
    )
    assert criteria(peer, spec) == ["Members book rooms."]


def test_identifiers_of_a_spec_s_own_are_known_where_several_lines_have_one(
    peer: OllamaPeer,
) -> None:
    spec = (
        "# Bags\n## Loading\nBRTS-301 Handhelds shall show a green light.\n\n"
        "BRTS-302 When a bag is late, the agent can rebook it.\n\n"
        "BRTS-303 Bags without a tag are kept.\n"
    )
    assert titles(peer, spec, ticket_count=3) == [
        "Ensure that handhelds show a green light",
        "Let the agent rebook it",
        "Ensure that bags without a tag are kept",
    ]


def test_a_name_with_a_number_is_no_identifier(peer: OllamaPeer) -> None:
    spec = "# Backup\n- AES-256 Encryption of backups\n- Weekly restore test\n"
    assert titles(peer, spec)[0] == "Add AES-256 Encryption of backups"


def test_a_day_in_may_asks_for_nothing(peer: OllamaPeer) -> None:
    spec = (
        "From: Omar\nTo: Julie\nDate: 12 May 2025\nSubject: labels\n\nJulie,\n\n"
        "> 1. Customers can print the label.\n\nYes.\n\n> 2. We show a QR code.\n\nOK.\n"
    )
    assert criteria(peer, spec) == ["Customers can print the label.", "We show a QR code."]


def test_who_writes_small_letters_is_read_by_sentences(peer: OllamaPeer) -> None:
    spec = (
        "okay so what I need is online booking for the salon. they pick the breed of their dog, "
        "and then it shows free slots of that length. send them a reminder the day before, by "
        "mail. I want to be able to block days from my phone. vouchers would be nice but that "
        "can wait. that's it I think."
    )
    assert titles(peer, spec, ticket_count=4) == [
        "Online booking for the salon",
        "They pick the breed of their dog, and then it shows free slots of that length",
        "Send them a reminder the day before",
        "Block days from my phone",
    ]


def test_a_board_and_a_plan_tell_what_is_left_to_do(peer: OllamaPeer) -> None:
    spec = (
        "# Q3\n## Objective 1: Fewer lost carts\n\nInitiatives\n- Guest checkout\n"
        "- Save cart across devices\n\n"
        "## List: Done\n- App icon\n\n## Not this quarter\nCrypto\n\n## Parked\n- Radar\n"
    )
    assert titles(peer, spec) == ["Add guest checkout", "Save cart across devices"]


def test_the_key_results_of_a_plan_are_the_goals_of_its_epic(peer: OllamaPeer) -> None:
    spec = "# Q3\n## Fewer lost carts\nKR1: Lost carts from 68 % to 60 %\n\n"
    spec += "".join(f"## Step {name}\nMembers use {name}.\n" for name in ("one", "two", "six"))
    epic, *rest = run(peer, job(spec), model=SMALL)["tickets"]
    assert epic["acceptance_criteria"][0] == "KR1: Lost carts from 68 % to 60 %"
    assert len(rest) == 3


def test_tests_against_regressions_and_crash_reports_are_no_bugs(peer: OllamaPeer) -> None:
    spec = (
        "# Release\n- Run the regression suite\n- Halt if crash-free users drop\n- Crash on exit\n"
    )
    assert [one["ticket_type"] for one in leaves(peer, spec)] == ["task", "story", "bug"]


def test_what_could_go_wrong_is_a_risk(peer: OllamaPeer) -> None:
    spec = (
        "# Lunch\n## Orders\nEmployees order lunch.\n## What could go wrong?\nLogins get shared.\n"
    )
    found = run(peer, job(spec), model=SMALL)
    assert [risk["description"] for risk in found["risks"]] == ["Logins get shared."]
