"""Alerts and cases by HTTP: what is done, what is refused, and how that is said."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine, text

from pipeline.desk import tables
from pipeline.desk.access import Role
from pipeline.desk.verify import verify
from pipeline.web import shapes
from tests.desk.records import FIRST, NOON_MS, a_word

ALERT = f"/alerts/{FIRST}"
NOT_SHOWN = {"subject", "fired_record", "ended_record"}


def post(api: httpx.Client, path: str, key: str = "k", **more: Any) -> httpx.Response:
    headers = {"Idempotency-Key": key} | more.pop("headers", {})
    return api.post(path, headers=headers, **more)


def problem(response: httpx.Response, status: int, name: str | None = None) -> dict[str, Any]:
    """Return a problem; it has to be one, of this status."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    found: dict[str, Any] = response.json()
    assert found["status"] == status
    assert found["type"] == ("about:blank" if name is None else f"urn:vane:problem:{name}")
    assert found["title"]
    return found


def test_alerts_are_listed_shown_and_handled(api: httpx.Client, store: Engine) -> None:
    listed = api.get("/alerts").json()
    assert [found["state"] for found in listed["records"]] == ["resolved", "open"]
    shown = api.get(ALERT)
    assert (shown.status_code, shown.headers["ETag"]) == (200, '"1"')
    assert shown.json()["fired_record"] == a_word(1)
    assert shown.json()["summary"].startswith("Service level of acme/service fell to 50 %")
    done = post(api, f"{ALERT}/acknowledge", json={"comment": "calling in two"})
    assert (done.status_code, done.headers["ETag"]) == (200, '"2"')
    assert (done.json()["state"], done.json()["acknowledged_by"]) == ("acknowledged", "leader")
    post(api, f"{ALERT}/assign", "k2", json={"owner": "wang"})
    post(api, f"{ALERT}/comment", "k3", json={"comment": "two came"})
    done = post(api, f"{ALERT}/close", "k4", json={"outcome": "true_alarm"})
    assert done.json()["allowed"] == ["comment", "reopen"]
    assert post(api, f"{ALERT}/reopen", "k5").json()["state"] == "open"
    history = api.get(ALERT).json()["history"]
    assert [(e["via"], e["actor"], e["action"], e["comment"]) for e in history] == [
        ("log", "vane", "open", None),
        ("api", "leader", "acknowledge", "calling in two"),
        ("api", "leader", "assign", None),
        ("api", "leader", "comment", "two came"),
        ("api", "leader", "close", None),
        ("api", "leader", "reopen", None),
    ]
    assert verify(store, None, lambda _read, _total: None).problems == []


def test_cases_are_listed_shown_and_handled(api: httpx.Client) -> None:
    (case,) = api.get("/cases", params={"overdue": True}).json()["records"]
    assert (case["id"], case["reason"]) == ("k1", "waited 252 s (+1.408)")
    assert post(api, "/cases/k1/take").json()["owner"] == "leader"
    post(api, "/cases/k1/assign", "k2", json={"owner": "wang"})
    later = {"due_at_ms": NOON_MS * 2, "comment": "on holiday"}
    assert post(api, "/cases/k1/postpone", "k3", json=later).json()["due_at_ms"] == NOON_MS * 2
    post(api, "/cases/k1/comment", "k4", json={"comment": "called"})
    assert api.get("/cases", params={"overdue": True}).json()["records"] == []
    done = post(api, "/cases/k1/close", "k5", json={"outcome": "averted"}).json()
    assert (done["state"], done["outcome"], done["version"]) == ("closed", "averted", 6)
    assert post(api, "/cases/k1/reopen", "k6").json()["state"] == "open"
    assert len(api.get("/cases/k1").json()["history"]) == 7


def test_pages_are_cut_and_chosen(api: httpx.Client) -> None:
    first = api.get("/alerts", params={"limit": 1}).json()
    rest = api.get("/alerts", params={"limit": 1, "cursor": first["next"]}).json()
    assert [page["records"][0]["id"] for page in (first, rest)] == [f"{2:032x}", FIRST]
    assert rest["next"] is None
    only = {"state": ["open", "closed"], "client": "acme", "queue": "service"}
    assert [a["id"] for a in api.get("/alerts", params=only).json()["records"]] == [FIRST]
    assert api.get("/alerts", params={"owner": "li"}).json() == {"records": [], "next": None}
    problem(api.get("/alerts", params={"cursor": "x"}), 400, "input")
    for wrong in ({"limit": 0}, {"limit": 501}, {"state": "gone"}, {"limit": "x"}):
        found = problem(api.get("/alerts", params=wrong), 422)
        (name,) = wrong
        assert found["errors"][0]["at"].startswith(f"query/{name}")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "expected a token: Authorization: Bearer"),
        ({"Authorization": "Bearer vane_guessed"}, "the token is not known, was revoked"),
        ({"Authorization": "Basic bGk6bGk="}, "expected a token"),
        ({"Authorization": "Bearer"}, "expected a token"),
    ],
)
def test_nobody_comes_in_without_a_token(address: str, given: dict[str, str], said: str) -> None:
    for method, path in (
        *(("GET", "/alerts"), ("GET", ALERT), ("GET", "/cases"), ("GET", "/cases/k1")),
        *(("POST", f"{ALERT}/acknowledge"), ("POST", "/cases/k1/take")),
    ):
        found = httpx.request(method, f"{address}/api/v1{path}", headers=given)
        assert said in problem(found, 401)["detail"]
        assert found.headers["WWW-Authenticate"].startswith('Bearer realm="vane"')


@pytest.mark.parametrize("role", list(Role))
def test_a_role_may_do_what_is_its_and_no_more(
    api: httpx.Client, secrets: dict[Role, str], role: Role
) -> None:
    as_role = {"Authorization": f"Bearer {secrets[role]}"}
    assert api.get("/alerts", headers=as_role).status_code == 200
    assert api.get("/cases/k1", headers=as_role).status_code == 200
    for path in (f"{ALERT}/acknowledge", "/cases/k1/take"):
        done = post(api, path, f"{path}-{role}", headers=as_role)
        if role in {Role.LEADER, Role.ADMIN}:
            assert done.status_code == 200
        else:
            assert f"{role} is {role}; this is for admin, leader" in problem(done, 403)["detail"]
            assert api.get(ALERT).json()["version"] == 1


def test_every_route_asks_for_a_token_but_health(address: str, api: httpx.Client) -> None:
    paths = api.get("/openapi.json").json()["paths"]
    for path, methods in paths.items():
        for method, said in methods.items():
            is_open = path in {"/healthz", "/readyz"}
            assert ("security" in said) is not is_open, path
            url = address + path.replace("{record_id}", FIRST)
            assert httpx.request(method, url).status_code == (200 if is_open else 401)


def test_an_illegal_move_is_a_conflict_that_names_who_when_and_what_is_possible(
    api: httpx.Client,
) -> None:
    found = problem(
        post(api, f"{ALERT}/close", json={"outcome": "true_alarm"}), 409, "move-refused"
    )
    assert (found["by"], found["at_ms"], found["state"], found["version"]) == (
        *("vane", NOON_MS, "open", 1),
    )
    assert found["allowed"] == ["acknowledge", "assign", "comment"]
    assert api.get(ALERT).json()["version"] == 1


def test_a_stale_version_is_refused(api: httpx.Client) -> None:
    post(api, f"{ALERT}/assign", json={"owner": "wang"}, headers={"If-Match": '"1"'})
    late = post(api, f"{ALERT}/assign", "k2", json={"owner": "li"}, headers={"If-Match": '"1"'})
    assert problem(late, 412, "stale-version")["by"] == "leader"
    assert api.get(ALERT).json()["owner"] == "wang"
    for any_version in ({"If-Match": "*"}, {}):
        done = post(
            api, f"{ALERT}/assign", repr(any_version), json={"owner": "li"}, headers=any_version
        )
        assert done.status_code == 200
    for wrong in ("1", 'W/"1"', '"x"', ""):
        said = post(api, f"{ALERT}/assign", "w", json={"owner": "li"}, headers={"If-Match": wrong})
        assert "If-Match: expected a version in quotes" in problem(said, 400)["detail"]


def test_the_same_key_does_nothing_again_and_is_for_one_request(api: httpx.Client) -> None:
    first = post(api, f"{ALERT}/comment", json={"comment": "hm"})
    again = post(api, f"{ALERT}/comment", json={"comment": "hm"})
    assert first.json() == again.json()
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    problem(post(api, f"{ALERT}/comment", json={"comment": "other"}), 422, "key-reused")
    assert len(api.get(ALERT).json()["history"]) == 2
    problem(api.post(f"{ALERT}/acknowledge"), 400)
    problem(post(api, f"{ALERT}/acknowledge", "k" * 256), 422)


WRONG: list[tuple[str, Any, str]] = [
    ("assign", {}, "body/owner"),
    ("assign", {"owner": ""}, "body/owner"),
    ("assign", {"owner": "li", "outcome": "true_alarm"}, "body/outcome"),
    ("comment", {"comment": None}, "body/comment"),
    ("comment", {"comment": "x" * 2_001}, "body/comment"),
    ("close", {"outcome": "averted"}, "body/outcome"),
    ("acknowledge", [], "body"),
]


@pytest.mark.parametrize(("verb", "body", "at"), WRONG)
def test_a_body_that_is_wrong_is_said_where(
    api: httpx.Client, verb: str, body: Any, at: str
) -> None:
    found = problem(post(api, f"{ALERT}/{verb}", json=body), 422)
    assert [one["at"] for one in found["errors"]] == [at]
    assert api.get(ALERT).json()["version"] == 1


def test_a_text_that_no_database_keeps_is_refused(api: httpx.Client) -> None:
    said = post(api, f"{ALERT}/comment", json={"comment": "a\x00b"})
    assert "comment: expected a text" in problem(said, 409, "move-refused")["detail"]


def test_what_is_not_there_is_a_problem_too(api: httpx.Client, address: str) -> None:
    problem(api.get("/alerts/none"), 404, "record-unknown")
    problem(post(api, "/cases/none/take"), 404, "record-unknown")
    problem(api.get("/nothing"), 404)
    problem(api.delete(ALERT), 405)
    problem(post(api, f"{ALERT}/resolve"), 404)
    problem(post(api, f"{ALERT}/acknowledge", content=b"{"), 422)


def test_a_body_that_is_too_long_is_not_read(api: httpx.Client) -> None:
    problem(post(api, f"{ALERT}/comment", content=b"x" * 65_537), 413)
    problem(post(api, f"{ALERT}/comment", content=iter([b"{}"])), 411)


def test_of_many_at_once_exactly_one_wins(api: httpx.Client, store: Engine) -> None:
    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(lambda key: post(api, f"{ALERT}/acknowledge", str(key)), range(24)))
    assert sorted(found.status_code for found in done) == [200, *[409] * 23]
    assert len(api.get(ALERT).json()["history"]) == 2
    assert verify(store, None, lambda _read, _total: None).problems == []


def test_health_is_for_everybody_and_readiness_asks_the_store(address: str, store: Engine) -> None:
    assert httpx.get(f"{address}/healthz").json() == {"status": "ok"}
    assert httpx.get(f"{address}/readyz").json() == {"status": "ok"}
    with store.begin() as con:
        con.execute(text("update alembic_version set version_num = '9999'"))
    assert httpx.get(f"{address}/healthz").status_code == 200
    away = httpx.get(f"{address}/readyz")
    assert "newer than this release" in problem(away, 503, "schema-mismatch")["detail"]
    assert away.headers["Retry-After"] == "5"


def test_a_bug_tells_nothing_of_itself(api: httpx.Client, store: Engine) -> None:
    with store.begin() as con:
        con.execute(text("drop table cases"))
    assert problem(api.get("/cases"), 500)["detail"] == (
        "something is wrong with Vane itself; its log says more"
    )


def test_answers_are_kept_by_nobody(api: httpx.Client) -> None:
    for path in ("/alerts", "/openapi.json", "/nothing"):
        assert api.get(path).headers["Cache-Control"] == "no-store"


def test_the_description_says_all_that_there_is(api: httpx.Client) -> None:
    said = api.get("/openapi.json").json()
    assert said["info"]["title"] == "Vane"
    paths = {path: set(methods) for path, methods in said["paths"].items()}
    verbs = {
        "alerts": ("acknowledge", "assign", "comment", "close", "reopen"),
        "cases": ("take", "assign", "postpone", "comment", "close", "reopen"),
    }
    expected = {"/healthz": {"get"}, "/readyz": {"get"}}
    for noun, moves in verbs.items():
        expected |= {f"/api/v1/{noun}": {"get"}, f"/api/v1/{noun}/{{record_id}}": {"get"}}
        expected |= {f"/api/v1/{noun}/{{record_id}}/{verb}": {"post"} for verb in moves}
    assert paths == expected
    for path, methods in said["paths"].items():
        if path.startswith("/api"):
            for method in methods.values():
                content = method["responses"]["default"]["content"]
                assert "application/problem+json" in content
                assert method["responses"].keys() == {"200", "default"}


@pytest.mark.parametrize(
    ("shape", "table"), [(shapes.Alert, tables.alerts), (shapes.Case, tables.cases)]
)
def test_what_is_given_is_all_that_the_store_has(shape: Any, table: Any) -> None:
    columns = set(table.c.keys()) - NOT_SHOWN
    assert shape.model_fields.keys() - {"allowed", "summary"} == columns
