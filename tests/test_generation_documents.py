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
    ["What we are not doing", "Not in this proposal", "Nicht Gegenstand", "Requests we declined"],
)
def test_what_a_heading_says_is_not_done_makes_no_ticket(peer: OllamaPeer, heading: str) -> None:
    spec = f"# Points\n## Points\nCustomers earn points.\n## {heading}\n- Tiers\n- Gifts\n"
    assert criteria(peer, spec) == ["Customers earn points."]


@pytest.mark.parametrize(
    "heading", ["What the app must not do", "Not found page", "Rejected payments"]
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
