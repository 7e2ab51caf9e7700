"""One limit at every door, over all processes, by user and by network: a flood costs its sender alone."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
from django.contrib.auth.models import User
from django.db import DatabaseError, connection
from django.test import Client
from pytest_django import Settings

from bookings.tokens import give_token
from config import rates
from config.client_address import network_of
from config.models import RequestRate
from config.rates import Counter, Rate, counter
from tests.api.problems import assert_problem
from tests.factories.bookings import CustomerFactory
from tests.stage.side_by_side import at_once
from tests.stage.web import running_web

pytestmark = pytest.mark.django_db(transaction=True)

HOME, ELSEWHERE = "192.0.2.1", "192.0.2.2"
LOW = {name: Rate(3, 60) for name in ("anonymous", "user", "verify", "login", "code", "webhook")}


@pytest.fixture
def low_rates(settings: Settings) -> None:
    settings.RATES = LOW


def statuses(ask: Callable[[], Any], times: int = 4) -> list[int]:
    return [ask().status_code for _ in range(times)]


GUESS = {"username": "ann", "password": "wrong"}
DOORS: dict[str, Callable[..., Any]] = {
    "a page": lambda client, **who: client.get("/", **who),
    "a page that is not there": lambda client, **who: client.get("/nowhere/", **who),
    "the page's login": lambda client, **who: client.post("/login/", GUESS, **who),
    "the admin": lambda client, **who: client.get("/admin/", **who),
    "the admin's login": lambda client, **who: client.post("/admin/login/", GUESS, **who),
    "the API": lambda client, **who: client.get("/api/slots/", **who),
    "the API's login": lambda client, **who: client.post("/api/auth/token/", GUESS, "application/json", **who),
    "the API, with a made-up token": lambda client, **who: client.get("/api/me/", **who, HTTP_AUTHORIZATION="Token x"),
    "a page, with a made-up session": lambda client, **who: client.get("/bookings/", **who, HTTP_COOKIE="sessionid=x"),
    "a sign-up": lambda client, **who: client.post("/accounts/signup/", {"address": "nobody"}, **who),
    "a code by the API": lambda client, **who: client.post("/api/accounts/codes/", {}, "application/json", **who),
    "the gateway's webhook": lambda client, **who: client.post(
        "/webhooks/payments/sandbox/", {}, "application/json", **who
    ),
    "Twilio's webhook": lambda client, **who: client.post("/webhooks/twilio/status/", {}, **who),
    "an unsubscribe link": lambda client, **who: client.get("/webhooks/unsubscribe/made-up/", **who),
    "the metrics": lambda client, **who: client.get("/metrics", **who),
    "the board": lambda client, **who: client.get("/admin/outbox/", **who),
}


@pytest.mark.usefixtures("low_rates")
@pytest.mark.parametrize("door", DOORS)
def test_every_door_has_its_limit(door: str) -> None:
    knock = DOORS[door]

    *passed, refused = statuses(lambda: knock(Client(), REMOTE_ADDR=HOME))

    assert 429 not in passed
    assert refused == 429
    assert knock(Client(), REMOTE_ADDR=ELSEWHERE).status_code != 429, "nobody else is locked out"


@pytest.mark.usefixtures("low_rates")
def test_too_many_requests_are_told_to_programs_and_to_people() -> None:
    for _ in range(4):
        page, problem = (Client().get(path, REMOTE_ADDR=HOME) for path in ("/", "/api/slots/"))

    assert_problem(problem, 429, "throttled")
    assert "Too many requests" in page.content.decode()
    for refused in (page, problem):
        assert 0 < int(refused["Retry-After"]) <= 60
        assert "frame-ancestors 'none'" in refused["Content-Security-Policy"]


@pytest.mark.parametrize(
    "path", ["/accounts/signup/", "/accounts/login/code/", "/accounts/password/reset/", "/api/accounts/codes/"]
)
def test_codes_cost_money_and_have_a_limit_of_their_own(settings: Settings, path: str) -> None:
    settings.RATES = dict.fromkeys(LOW, Rate(1000, 60)) | {"code": Rate(3, 3600)}
    asked = statuses(lambda: Client().post(path, {"address": "x", "purpose": "signup"}, REMOTE_ADDR=HOME))

    assert (429 in asked[:3], asked[3]) == (False, 429)
    assert Client().get(path, REMOTE_ADDR=HOME).status_code != 429


@pytest.mark.usefixtures("low_rates")
def test_health_is_never_refused() -> None:
    assert statuses(lambda: Client().get("/healthz"), 10) == [200] * 10


@pytest.mark.usefixtures("low_rates")
def test_who_is_signed_in_counts_alone_by_token_and_by_session_together() -> None:
    ann, bob = CustomerFactory.create_batch(2)
    browser = Client(REMOTE_ADDR=HOME)
    browser.force_login(ann)
    token = f"Token {give_token(ann)}"

    assert statuses(lambda: browser.get("/bookings/"), 2) == [200, 200]
    assert statuses(lambda: Client().get("/api/me/", HTTP_AUTHORIZATION=token, REMOTE_ADDR=ELSEWHERE), 2) == [200, 429]
    neighbour = Client(REMOTE_ADDR=HOME)
    neighbour.force_login(bob)
    assert neighbour.get("/bookings/").status_code == 200


@pytest.mark.usefixtures("low_rates")
def test_a_token_opens_no_page() -> None:
    """The limit asks whose token it is; the page must not take its owner for the one who is signed in."""
    token = f"Token {give_token(User.objects.create_superuser('ann', password='a long pass phrase'))}"

    for path in ("/bookings/", "/admin/"):
        assert Client().get(path, HTTP_AUTHORIZATION=token).status_code == 302


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:db8:1:2:ffff::", "2001:db8:1:2::"),
        ("2001:db8:1:3::1", "2001:db8:1:3::"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.8", "192.0.2.8"),
        ("64:ff9b::192.0.2.7", "192.0.2.7"),
        ("2002:c000:207:1::1", "192.0.2.7"),
        ("fe80::1%eth0", "fe80::"),
        ("unknown", None),
        ("", None),
    ],
)
def test_what_counts_as_one_network(address: str, network: str | None) -> None:
    assert network_of(address) == network


@pytest.mark.usefixtures("low_rates")
def test_an_ipv6_network_is_one_client_and_ipv4_addresses_in_ipv6_form_are_many() -> None:
    one_network = (f"2001:db8:1:2::{number}" for number in range(1, 5))
    strangers = (f"::ffff:192.0.2.{number}" for number in range(1, 5))

    assert [Client().get("/", REMOTE_ADDR=address).status_code for address in one_network] == [200, 200, 200, 429]
    assert [Client().get("/", REMOTE_ADDR=address).status_code for address in strangers] == [200] * 4


class TestCounter:
    def test_processes_share_one_limit(self) -> None:
        processes = [Counter() for _ in range(4)]
        passed = [not processes[number % 4].seconds_to_wait("k", Rate(10, 60)) for number in range(40)]

        assert passed == [True] * 10 + [False] * 30

    def test_side_by_side_as_many_pass_as_may(self) -> None:
        turn = iter(range(100))
        passed = at_once(lambda: sum(not Counter().seconds_to_wait("k", Rate(20, 3600)) for _ in range(next(turn) + 8)))

        assert sum(passed) == 20

    def test_a_large_rate_is_exact_to_a_step_of_each_process_and_costs_few_statements(
        self, django_assert_max_num_queries: Any
    ) -> None:
        rate, processes = Rate(1000, 3600), [Counter(), Counter()]
        with django_assert_max_num_queries(1000 // rate.step + 6):
            passed = sum(not processes[number % 2].seconds_to_wait("k", rate) for number in range(1500))

        assert 1000 <= passed <= 1000 + 2 * rate.step

    def test_the_first_requests_of_somebody_cost_no_statement(self, django_assert_num_queries: Any) -> None:
        with django_assert_num_queries(0):
            assert [counter.seconds_to_wait("user 1", Rate(600, 60)) for _ in range(5)] == [0.0] * 5

    def test_who_was_refused_costs_no_statement_until_they_may_come_back(self, django_assert_num_queries: Any) -> None:
        moment = 1000.0
        asked = Counter(lambda: moment)
        assert asked.seconds_to_wait("k", Rate(1, 60)) == 0.0
        wait = asked.seconds_to_wait("k", Rate(1, 60))
        assert 59 < wait <= 60
        with django_assert_num_queries(0):
            assert all(asked.seconds_to_wait("k", Rate(1, 60)) for _ in range(100))
        RequestRate.objects.update(whole_at="2020-01-01T00:00Z")
        moment += 60
        assert asked.seconds_to_wait("k", Rate(1, 60)) == 0.0

    def test_refused_requests_do_not_prolong_the_wait(self) -> None:
        waits = [Counter().seconds_to_wait("k", Rate(1, 60)) for _ in range(50)]

        assert max(waits) <= 60

    def test_while_the_database_is_away_each_process_counts_alone(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def away(*_: object) -> float:
            raise DatabaseError("away")

        moment, asked = 1000.0, Counter(lambda: moment)
        with monkeypatch.context() as broken:
            broken.setattr(rates, "_report", away)
            assert [bool(asked.seconds_to_wait("k", Rate(3, 60))) for _ in range(4)] == [False] * 3 + [True]
        moment += rates.ALONE_SECONDS + 60
        assert asked.seconds_to_wait("k", Rate(3, 60)) == 0.0
        assert RequestRate.objects.count() == 1

    def test_it_remembers_so_many_keys_and_no_more(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(rates, "MOST_KEYS", 10)
        asked = Counter()
        for number in range(100):
            asked.seconds_to_wait(f"k{number}", Rate(600, 60))

        assert len(asked._known) == 10


def test_the_table_is_unlogged() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT relpersistence FROM pg_class WHERE relname = 'config_requestrate'")
        assert cursor.fetchone() == ("u",)


@pytest.fixture
def web(database_url: str) -> Iterator[str]:
    with running_web(DATABASE_URL=database_url, API_RATE_TOKEN="20/min", API_RATE_ANONYMOUS="120/min") as address:
        yield address


def test_guessing_passwords_side_by_side_leaves_the_web_to_the_others(web: str) -> None:
    """Sixteen connections, in production, whose guesses would each take a password's slow hash."""
    is_over, answers = threading.Event(), list[int]()

    def guess(door: str) -> None:
        with requests.Session() as session:
            while not is_over.is_set():
                answers.append(session.post(f"{web}{door}", json=GUESS, timeout=60).status_code)

    with ThreadPoolExecutor(16) as pool:
        guessing = [pool.submit(guess, "/api/auth/token/") for _ in range(16)]
        while answers.count(429) < 100:
            time.sleep(0.01)
            assert not any(each.done() for each in guessing)
        seconds = [requests.get(f"{web}/healthz", timeout=60).elapsed.total_seconds() for _ in range(40)]
        is_over.set()
    assert 400 in answers
    assert len(answers) - answers.count(429) <= 22, "twenty, and those that the minute gave back meanwhile"
    assert sorted(seconds)[len(seconds) // 2] < 0.2, seconds
