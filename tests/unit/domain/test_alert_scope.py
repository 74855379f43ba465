"""What is judged as one, and what a partition does not hold whole."""

from __future__ import annotations

import pytest

from pipeline.domain.alert_scope import ALONE, Grouping, Place, Programme, Scope

GROUPING = Grouping(
    programmes=(
        Programme(name="retail", client="acme", queue="ord*"),
        Programme(name="retail", client="acme", queue="returns", site="n*"),
        Programme(name="rest", client="acme"),
        Programme(name="cards", client="bank", queue="cards"),
    ),
    whole_clients=frozenset({"whole"}),
)


@pytest.mark.parametrize(
    ("client", "site", "queue", "programme"),
    [
        ("acme", "north", "orders", "retail"),
        ("acme", "north", "returns", "retail"),
        ("acme", "south", "returns", "rest"),
        ("bank", "", "cards", "cards"),
        ("bank", "", "loans", ""),
        ("other", "", "orders", ""),
    ],
)
def test_a_queue_is_of_the_first_programme_that_covers_it(
    client: str, site: str, queue: str, programme: str
) -> None:
    assert GROUPING.programme(client, site, queue) == programme
    alone = GROUPING.place(Scope.QUEUE, client, site, queue)
    assert alone == Place(Scope.QUEUE, client, site, programme, queue)
    assert ALONE.place(Scope.QUEUE, client, site, queue) == Place(
        Scope.QUEUE, client, site, "", queue
    )


@pytest.mark.parametrize(
    ("scope", "client", "site", "expected"),
    [
        (Scope.SITE, "acme", "north", Place(Scope.SITE, "acme", "north")),
        (Scope.SITE, "acme", "", None),
        (Scope.SITE, "whole", "north", Place(Scope.SITE, "whole", "north")),
        (Scope.CLIENT, "acme", "", Place(Scope.CLIENT, "acme")),
        (Scope.CLIENT, "acme", "north", None),
        (Scope.CLIENT, "whole", "north", Place(Scope.CLIENT, "whole")),
        (Scope.PROGRAMME, "acme", "north", Place(Scope.PROGRAMME, "acme", "north", "retail")),
        (Scope.PROGRAMME, "acme", "", Place(Scope.PROGRAMME, "acme", "", "retail")),
        (Scope.PROGRAMME, "whole", "north", None),
    ],
)
def test_what_lies_in_other_partitions_too_is_not_judged(
    scope: Scope, client: str, site: str, expected: Place | None
) -> None:
    assert GROUPING.place(scope, client, site, "orders") == expected


def test_a_programme_of_a_whole_client_is_judged_over_its_sites() -> None:
    whole = Grouping(
        programmes=(Programme(name="p", client="whole"),), whole_clients=frozenset({"whole"})
    )
    place = whole.place(Scope.PROGRAMME, "whole", "north", "orders")
    assert place == Place(Scope.PROGRAMME, "whole", "", "p")
    assert place == whole.place(Scope.PROGRAMME, "whole", "south", "returns")


def test_no_two_places_have_one_key() -> None:
    places = [
        place
        for client, site in (("acme", "north"), ("acme", ""), ("whole", "x"))
        for scope in Scope
        if (place := GROUPING.place(scope, client, site, "orders")) is not None
    ]
    assert len(places) > len(Scope)
    assert len({place.key for place in places}) == len(places)
    assert places[0].key == "acme/north/orders"  # as ids of alerts have always been made
