"""What a spec asks for is told from what it tells, leaves out or does not know."""

from collections.abc import Iterator

import pytest

from tests.generation import criteria, job, leaves, run
from tests.ollama_peer import SMALL, OllamaPeer


@pytest.fixture(scope="module")
def peer() -> Iterator[OllamaPeer]:
    with OllamaPeer() as running:
        yield running


def test_what_is_bad_today_is_no_work_of_its_own(peer: OllamaPeer) -> None:
    spec = (
        "# Points\n## Why\nPaper cards get lost and cannot be analysed. Staff must see points.\n"
        "## Points\nCustomers earn 1 point per euro.\n"
    )
    told = criteria(peer, spec)
    assert told == ["Staff must see points.", "Customers earn 1 point per euro."]


def test_what_somebody_has_to_do_today_is_no_demand_in_the_background(peer: OllamaPeer) -> None:
    spec = "# Books\n## Background\nPupils throw away books which others have to buy.\n"
    assert criteria(peer, f"{spec}## Offers\nPupils offer books.\n") == ["Pupils offer books."]


@pytest.mark.parametrize(
    "heading", ["Not now", "Not yet", "Deferred", "What we won't do", "Not included in v1"]
)
def test_what_is_not_for_now_makes_no_ticket(peer: OllamaPeer, heading: str) -> None:
    spec = f"# Points\n## Points\nCustomers earn points.\n## {heading}\nTiers and gifts.\n"
    assert criteria(peer, spec) == ["Customers earn points."]


@pytest.mark.parametrize(
    "asked",
    [
        "Guests won't have to enter their card again.",
        "Members won't have access to the files of others.",
        "Cancelled orders are not part of the total.",
        "Behind “Not now” the page shows the offer again after a week.",
        "A button 'Maybe later' closes the page.",
        "The list shows orders by priority: never, low, high.",
        "Priority: never changed by an import.",
    ],
)
def test_what_only_sounds_put_off_is_asked_for(peer: OllamaPeer, asked: str) -> None:
    assert criteria(peer, f"# Points\nCustomers earn points. {asked}\n") == [
        "Customers earn points.",
        asked,
    ]


@pytest.mark.parametrize(
    "left_out",
    [
        "We won't have tiers.",
        "Won't have: tiers.",
        "Tiers are not part of this.",
        "Tiers are not part of the first version.",
        "Maybe later also tiers, but not now.",
    ],
)
def test_a_sentence_that_puts_something_off_asks_for_nothing(
    peer: OllamaPeer, left_out: str
) -> None:
    assert criteria(peer, f"# Points\nCustomers earn points. {left_out}\n") == [
        "Customers earn points."
    ]


def test_what_nobody_is_sure_of_is_asked(peer: OllamaPeer) -> None:
    spec = "# Dark mode\nAdd a dark mode.\nNot sure if it has to cover the mails too? Ask legal.\n"
    result = run(peer, job(spec, ticket_count=1), model=SMALL)
    (asked,) = result["open_questions"]
    assert asked["question"].startswith("Not sure if it has to cover the mails too?")


@pytest.mark.parametrize(
    "aside",
    [
        "Following our workshop on Tuesday please find below the list.",
        "Go-live is planned for 1 October.",
        "What we don't need: a chat, auctions.",
    ],
)
def test_what_is_said_around_the_work_is_none(peer: OllamaPeer, aside: str) -> None:
    assert criteria(peer, f"{aside}\n\nSuppliers must confirm orders.\n") == [
        "Suppliers must confirm orders."
    ]


def test_what_happens_in_an_open_case_is_no_question(peer: OllamaPeer) -> None:
    spec = "If an order isn't confirmed within 48 hours the buyer is reminded by e-mail.\n"
    result = run(peer, job(spec, ticket_count=1), model=SMALL)
    assert result["tickets"][0]["acceptance_criteria"] == [spec.strip()]
    assert result["open_questions"] == []


def test_a_summary_in_japanese_ends_as_such(peer: OllamaPeer) -> None:
    spec = "- 社員は会議室を検索できる\n- 予約は最長4時間まで\n"
    result = run(peer, job(spec, ticket_count=2, include_epics=False), model=SMALL)
    assert result["source"]["summary"] == "社員は会議室を検索できる。 予約は最長4時間まで。"


def test_a_summary_of_list_items_has_sentences(peer: OllamaPeer) -> None:
    spec = "- Add a dark mode\n- Add a search box\n"
    result = run(peer, job(spec, ticket_count=2, include_epics=False), model=SMALL)
    assert result["source"]["summary"] == "Add a dark mode. Add a search box."


def test_what_was_thought_of_and_what_troubles_us_is_no_work(peer: OllamaPeer) -> None:
    spec = (
        "When a node restarts users are logged out, and we cannot scale down.\n\n"
        "Sessions must be kept in Redis.\n\n"
        "We considered signed cookies, but they cannot be revoked.\n"
    )
    assert criteria(peer, spec) == ["Sessions must be kept in Redis."]


def test_headings_of_weight_name_no_work_and_give_priorities(peer: OllamaPeer) -> None:
    spec = (
        "# Search\n**Must**\n- Typo tolerance of one edit\n- Facets by brand and price\n\n"
        "**Could**\n- Search by photo\n"
    )
    found = {one["title"]: one["priority"] for one in leaves(peer, spec)}
    assert found == {
        "Add typo tolerance of one edit": "high",
        "Add facets by brand and price": "high",
        "Search by photo": "low",
    }


def test_what_is_said_below_a_list_of_faults_is_none(peer: OllamaPeer) -> None:
    spec = (
        "# Search\n## Bugs to clear\n- SRCH-1: sorting by price ignores discounts\n"
        "- SRCH-2: page 2 repeats items\n\nThe sorting must be tested on both pages.\n"
    )
    kinds = [one["ticket_type"] for one in leaves(peer, spec)]
    assert kinds.count("bug") == 2
    assert kinds.count("task") == 1


def test_a_long_heading_is_no_label(peer: OllamaPeer) -> None:
    spec = (
        "# Move the storage of sessions out of the web nodes\n\nSessions must be kept in Redis.\n"
    )
    (found,) = leaves(peer, spec)
    assert found["labels"] == []


@pytest.mark.parametrize(
    "asked",
    [
        "The system shows how many hours were worked.",
        "Show what has been said in a meeting.",
        "We discussed the export, and it must take CSV.",
        "Requests out of scope are answered with 403.",
        "See all orders of a customer.",
        "Follows are shown on the profile.",
    ],
)
def test_what_only_sounds_like_an_aside_is_asked_for(peer: OllamaPeer, asked: str) -> None:
    spec = f"# Work\n\n## Pages\n\n{asked}\n\nUsers must log in.\n"
    assert asked in criteria(peer, spec)


@pytest.mark.parametrize(
    "asked",
    ["Status: shows whether it is open", "Owner: can invite others", "Team: lists all members"],
)
def test_parts_of_a_product_are_no_imprint(peer: OllamaPeer, asked: str) -> None:
    spec = f"# Work\n\n## Pages\n\n- {asked}\n- Users must log in\n"
    assert asked in criteria(peer, spec)


@pytest.mark.parametrize(
    "aside",
    [
        "**Project:** Pantry\\n**Client:** Larder Inc.\\n",
        "## User Personas\n**Anna, 38** - wants to know what is in the fridge.\n",
        "## Milestones\n| Milestone | Date |\n|---|---|\n| Beta | 2025-05-01 |\n",
        "## Technical notes\nThe login flow is in `auth/login.py`.\n",
    ],
)
def test_who_when_and_where_are_no_work(peer: OllamaPeer, aside: str) -> None:
    spec = f"# Pantry\n## Alerts\n- Users can snooze an alert.\n{aside}"
    assert criteria(peer, spec) == ["Users can snooze an alert."]


def test_the_name_of_the_whole_is_no_part_of_it(peer: OllamaPeer) -> None:
    told = "Guests browse books. Guests pay by card. Staff add books."
    assert criteria(peer, f"Build a simple bookstore. {told}") == [
        "Guests browse books.",
        "Guests pay by card.",
        "Staff add books.",
    ]
    asked = "Build a bookstore that sells used books."
    assert asked in criteria(peer, f"{asked} {told}")


def test_technical_requirements_belong_together(peer: OllamaPeer) -> None:
    spec = "# Chat\n## Technical requirements\n- PostgreSQL\n- TLS 1.3\n## Rooms\n- Guests join.\n"
    first, _ = leaves(peer, spec)
    assert first["title"] == "Meet the technical requirements"


def test_a_need_before_the_first_chapter_is_asked_for(peer: OllamaPeer) -> None:
    """Where what is told of the whole is not."""
    told = "Our clerks need a faster way to plan. HR needs a yearly export to Excel."
    spec = f"{told}\n\n# Rules\n- Unused days expire in March.\n"
    assert criteria(peer, spec) == [
        "HR needs a yearly export to Excel.",
        "Unused days expire in March.",
    ]


def test_what_is_asked_not_to_be_built_is_no_work(peer: OllamaPeer) -> None:
    spec = "Staff plan holidays. Please don't build a payroll.\n"
    assert criteria(peer, spec) == ["Staff plan holidays."]


def test_a_matrix_of_requirements_is_no_work(peer: OllamaPeer) -> None:
    spec = (
        "# Hub\n## Pairing\nREQ-1: The hub finds lamps.\n## Traceability\n"
        "| Requirement | Source | Priority |\n|---|---|---|\n| REQ-1 | Sales | Must |\n"
    )
    (found,) = leaves(peer, spec)
    assert len(found["acceptance_criteria"]) == 1


def test_what_is_no_must_is_wished_for(peer: OllamaPeer) -> None:
    spec = "# Rooms\nIt would be great to have a mobile version but it's not a must.\n"
    (found,) = leaves(peer, spec, ticket_count=1)
    assert found["priority"] == "low"


@pytest.mark.parametrize(
    ("outside", "dates"),
    [
        ("Nicht Bestandteil", "Meilensteine"),
        ("No incluido", "Cronograma"),
        ("Non inclus", "Échéancier"),
        ("Niet inbegrepen", "Milestones"),
    ],
)
def test_what_is_left_out_and_when_it_is_done_are_no_work(
    peer: OllamaPeer, outside: str, dates: str
) -> None:
    spec = f"# A\n## B\n- Los clientes pagan.\n## {outside}\n- Fax\n## {dates}\n- 1.9.2026\n"
    assert criteria(peer, spec) == ["Los clientes pagan."]


@pytest.mark.parametrize(
    "told",
    [
        "Client: show the last ten bills.",
        "Speed is in km/h.",
        "Compare the sales with last month.",
        "Feeds have the posts liked by friends.",
        "Done: the card is struck through.",
    ],
)
def test_what_sounds_like_an_imprint_or_like_today_is_asked_for(
    peer: OllamaPeer, told: str
) -> None:
    spec = f"# Bikes\n## Rental\nMembers can rent bikes.\n\n{told}\n"
    assert criteria(peer, spec) == ["Members can rent bikes.", told]


@pytest.mark.parametrize("told", ["Status: accepted by sales", "The login flow is in auth/in.py."])
def test_an_imprint_and_today_ask_for_nothing(peer: OllamaPeer, told: str) -> None:
    spec = f"# Bikes\n## Rental\nMembers can rent bikes.\n\n{told}\n"
    assert criteria(peer, spec) == ["Members can rent bikes."]


@pytest.mark.parametrize(
    ("told", "asks"),
    [
        ("We don't want users to wait for a list.", True),
        ("Please don't build stairs without a ramp.", True),
        ("We don't want a button to share it.", False),
        ("We don't need maps, we do without.", False),
        ("We don\N{RIGHT SINGLE QUOTATION MARK}t need maps.", False),
        ("We don\N{RIGHT SINGLE QUOTATION MARK}t know which maps to show.", False),
    ],
)
def test_what_must_not_be_so_is_asked_for_and_what_nobody_wants_or_knows_is_not(
    peer: OllamaPeer, told: str, *, asks: bool
) -> None:
    rent = "Members rent bikes."
    assert (told in " ".join(criteria(peer, f"{rent}\n\n{told}\n"))) is asks


def test_one_of_several_things_to_build_is_not_the_whole(peer: OllamaPeer) -> None:
    spec = "Build a CSV importer. Create a login page. Members rent bikes. Members return bikes.\n"
    assert "Build a CSV importer." in " ".join(criteria(peer, spec))


def test_an_order_ahead_of_a_list_is_asked_for(peer: OllamaPeer) -> None:
    listed = "- Members rent bikes\n- Members return bikes\n- Members see bikes\n"
    spec = f"# Bikes\nSend a receipt to each member.\n\n{listed}"
    assert criteria(peer, spec)[0] == "Send a receipt to each member."


@pytest.mark.parametrize("told", ["- Done: struck through", "- Parked: shown in grey"])
def test_a_state_that_is_described_in_a_list_is_asked_for(peer: OllamaPeer, told: str) -> None:
    spec = f"# Board\n## States\n- Open: shown first\n{told}\n"
    assert told.removeprefix("- ") in criteria(peer, spec)


@pytest.mark.parametrize(
    "asked",
    [
        "Staff book rooms by the hour.",
        "Project: list of all members with their tasks and hours.",
        "Company: create, rename, merge, archive and restore one.",
    ],
)
def test_what_only_looks_like_a_head_of_a_document_is_asked_for(
    peer: OllamaPeer, asked: str
) -> None:
    listed = "- Guests see rooms.\n- Guests see halls.\n- Guests see prices.\n"
    first = asked if asked.startswith("Staff") else "Today clerks use paper."
    later = "" if asked.startswith("Staff") else f"## Offices\n{asked}\n"
    assert asked in criteria(peer, f"# Rooms\n{first}\n\n{listed}{later}")
