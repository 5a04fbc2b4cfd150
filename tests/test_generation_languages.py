"""What code itself says in tickets is in the language of the spec."""

from collections.abc import Iterator

import pytest

from tests.generation import job, leaves, replying, run, ticket
from tests.ollama_peer import SMALL, OllamaPeer

SPECS = {
    "German": (
        "# Erfassung\nMitarbeitende können den Beginn und das Ende eines Tages eintragen.\n"
        "# Freigabe\nDie Zeiten werden am Ende des Monats von der Leitung freigegeben.\n"
        "# Export\nDie Zeiten werden für die Lohnbuchhaltung exportiert.\n"
    ),
    "French": (
        "# Prêt\nLe lecteur peut emprunter des livres pour un mois.\n"
        "# Retour\nLe livre est rendu au guichet ou dans la boîte.\n"
        "# Rappel\nLe lecteur doit être averti trois jours avant la date du retour.\n"
    ),
    "Polish": (
        "# Wypożyczenia\nCzytelnik może wypożyczyć pięć książek naraz.\n"
        "# Zwroty\nKsiążkę oddaje się w okienku albo do skrzynki.\n"
        "# Przypomnienia\nSystem wysyła wiadomość trzy dni przed terminem.\n"
    ),
}
OUTSIDE = {
    "German": "# Nicht im Umfang\n- Reisekosten\n",
    "French": "# Hors périmètre\n- Les DVD\n",
}
OWN = ("Done:", "automated test", "further step", "and more", " and ", "It also covers", "Not part")


@pytest.fixture(scope="module")
def peer() -> Iterator[OllamaPeer]:
    with OllamaPeer() as running:
        yield running


@pytest.mark.parametrize("language", ["German", "French"])
def test_further_steps_and_exclusions_are_told_in_it(peer: OllamaPeer, language: str) -> None:
    spec = SPECS[language] + OUTSIDE[language]
    asked = job(spec, title="X", ticket_count=12, output_detail="detailed")
    told = run(peer, asked, model=SMALL)["tickets"]
    assert not [word for word in OWN if word in str(told)]
    found = [one["title"] for one in told]
    assert len(set(found)) == 12
    assert any(own in str(found) for own in ("Automatisierte Tests", "tests automatisés"))
    assert any(own in str(told) for own in ("Nicht Teil dieser Arbeit:", "Hors périmètre :"))


@pytest.mark.parametrize(
    ("language", "title"),
    [
        ("German", "Erfassung, Freigabe und mehr"),
        ("French", "Prêt, retour et autres"),
        ("Polish", "Wypożyczenia, Zwroty …"),
    ],
)
def test_names_are_joined_in_it(peer: OllamaPeer, language: str, title: str) -> None:
    written = [ticket(f"Abc {number}", sources=[number], epic=1) for number in (1, 2, 3)]
    answer = {"epics": [{"title": "", "description": "", "outcome": ""}], "tickets": written}
    epic, *_ = replying(peer, answer, SPECS[language], ticket_count=4)["tickets"]
    assert epic["title"] == title
    assert not [criterion for criterion in epic["acceptance_criteria"] if "Done" in criterion]


def test_what_has_no_room_is_listed_in_it(peer: OllamaPeer) -> None:
    items = "".join(
        f"- Der Raum {number} muss auf der Karte zu sehen sein.\n" for number in range(30)
    )
    (found,) = leaves(peer, f"# Räume\n{items}", ticket_count=1)
    assert "Dazu gehört auch:\n- " in found["description"]


def test_what_no_ticket_covers_is_asked_about_in_it(peer: OllamaPeer) -> None:
    written = [ticket("Tage eintragen", sources=[1], criteria=["Beginn und Ende stehen da."])]
    result = replying(peer, {"tickets": written}, SPECS["German"], ticket_count=1)
    asked = [question["question"] for question in result["open_questions"]]
    assert asked
    assert all(question.startswith("Welches Ticket deckt ab") for question in asked)
