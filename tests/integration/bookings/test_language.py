"""Pages come in English and German: by choice, by the profile and by the browser; no word is left untranslated."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from babel.messages import Catalog
from babel.messages.extract import extract_python
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from django.utils.translation.template import templatize

from bookings.errors import LimitReached, NotEnoughSeats
from bookings.models import Slot
from notifications import outbox
from tests.factories.bookings import CustomerFactory, SlotFactory

KEYWORDS = {
    "gettext": None,
    "_": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext": (1, 2),
    "pgettext": ((1, "c"), 2),
}


def language_of(answer: Any) -> str:
    said: str = answer.content.decode().split('<html lang="')[1].split('"')[0]
    assert answer.headers["Content-Language"] == said
    return said


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("accepts", "language"), [("", "en"), ("de-AT,de;q=0.9", "de"), ("fr,de;q=0.5", "de"), ("fr", "en"), ("x;;,", "en")]
)
def test_a_stranger_reads_the_browsers_language(accepts: str, language: str) -> None:
    answer = Client(headers={"Accept-Language": accepts}).get("/")
    assert language_of(answer) == language
    assert "Accept-Language" in answer.headers["Vary"], "no cache gives it to somebody else"


@pytest.mark.django_db
def test_a_choice_outlasts_the_browsers_wish_and_leads_back_to_the_page() -> None:
    browser, slot = Client(headers={"Accept-Language": "en"}), SlotFactory()
    page = f"/slots/{slot.pk}/"
    assert browser.post("/language/", {"language": "de", "next": page}).headers["Location"] == page
    assert "Zum Buchen anmelden" in browser.get(page).content.decode()
    for odd in ("klingon", "../../de", "", "DE"):
        browser.post("/language/", {"language": odd, "next": page})
        assert language_of(browser.get(page)) == "de", odd


@pytest.mark.django_db
@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example/", "javascript:alert(1)", ""])
def test_a_choice_leads_nowhere_else(elsewhere: str) -> None:
    answer = Client().post("/language/", {"language": "de", "next": elsewhere})
    assert answer.headers["Location"] == "/"


@pytest.mark.django_db
def test_a_customer_reads_the_profiles_language_and_a_choice_changes_it() -> None:
    customer, browser = CustomerFactory(), Client(headers={"Accept-Language": "en"})
    outbox.change_contact(customer, locale="de-at")
    browser.force_login(customer)
    assert language_of(browser.get("/bookings/")) == "de"
    browser.post("/language/", {"language": "en"})
    assert outbox.contact_of(customer).locale == "en", "messages come in the language of the pages"
    outbox.change_contact(customer, locale="fr")
    assert language_of(Client(headers={"Accept-Language": "de"}).get("/")) == "de", "no pages in French"


@pytest.mark.django_db
def test_the_api_and_the_admin_stay_english(admin_user: User) -> None:
    browser = Client(headers={"Accept-Language": "de"})
    assert browser.get("/api/bookings/").json()["detail"] == "Authentication credentials were not provided."
    assert 'lang="en' in browser.get("/admin/login/").content.decode()


@pytest.mark.django_db
def test_refusals_and_forms_speak_the_pages_language() -> None:
    browser = Client(headers={"Accept-Language": "de"})
    slot = SlotFactory(capacity=2)
    Slot.objects.update(seats_taken=1)
    browser.force_login(customer := CustomerFactory())
    outbox.change_contact(customer, locale="de")
    key = "9d4f0b66-2f1d-4d0e-9a54-0d1f3b1f7f4e"
    answer = browser.post(f"/slots/{slot.pk}/", {"quantity": "2", "key": key}, follow=True)
    assert "Es ist nur noch 1 Platz frei." in answer.content.decode()
    wrong = browser.post("/accounts/profile/", {"about": "1", "name": "x" * 200, "locale": "de", "time_zone": "UTC"})
    assert "höchstens 150 Zeichen" in wrong.content.decode(), "Django's own words too"
    assert NotEnoughSeats(1).message == "The slot has only 1 seat left.", "elsewhere English"
    assert LimitReached("too_many_codes", retry_after=1).message.startswith("Too many codes")


@pytest.mark.django_db
@pytest.mark.parametrize(("language", "said"), [("en", "Page not found"), ("de", "Seite nicht gefunden")])
def test_nowhere_has_a_page_of_ours(language: str, said: str) -> None:
    answer = Client(headers={"Accept-Language": language}).get("/nowhere/<script>/")
    assert answer.status_code == 404
    assert said in answer.content.decode()
    assert "nowhere" not in answer.content.decode()
    api = Client().get("/api/nowhere/")
    assert (api.status_code, api.json()["code"]) == (404, "not_found")


@pytest.mark.django_db
def test_a_form_without_its_token_has_a_page_of_ours() -> None:
    answer = Client(enforce_csrf_checks=True, headers={"Accept-Language": "de"}).post("/accounts/login/", {})
    assert answer.status_code == 403
    assert "Bitte senden Sie das Formular noch einmal" in answer.content.decode()


def _in_the_code(app: str) -> Iterator[tuple[str, Any]]:
    """What the templates and modules hand to gettext, and where."""
    within = settings.BASE_DIR / app
    templates = {"bookings": "templates/pages/*.html", "notifications": "templates/notifications/*.html"}
    modules = {"bookings": "**/*.py", "notifications": "recipients/*.py"}  # the rest of the package is for staff
    for path in [*within.glob(templates[app]), *within.glob(modules[app])]:
        source = path.read_text()
        python = templatize(source) if path.suffix == ".html" else source
        for _, _, words, _ in extract_python(io.BytesIO(python.encode()), KEYWORDS, (), {"encoding": "utf-8"}):
            if words:  # a text, and not a variable
                yield path.name, tuple(filter(None, words)) if isinstance(words, tuple) else words


def _read(path: Path) -> Catalog:
    with path.open("rb") as file:
        return read_po(file) if path.suffix == ".po" else read_mo(file)


def _strings(catalog: Catalog) -> dict[str, Any]:
    return {"".join(each.id): "".join(each.string) for each in catalog if each.id}


@pytest.mark.parametrize(("app", "many"), [("bookings", 200), ("notifications", 15)])
def test_every_word_is_translated_and_compiled(app: str, many: int) -> None:
    path = settings.BASE_DIR / app / "locale/de/LC_MESSAGES/django.po"
    catalog, compiled = _read(path), _read(path.with_suffix(".mo"))
    said = list(_in_the_code(app))
    assert len(said) > many, "the extraction finds them"
    missing = {(where, words) for where, words in said if words not in catalog or not catalog[words].string}
    assert missing == set(), f"translate these, in {app}/locale"
    assert _strings(catalog) == _strings(compiled), "compile it: manage.py compilemessages"
    assert [each.id for each in catalog if each.id and (each.fuzzy or list(each.check()))] == [], "placeholders agree"
    left = {each.id for each in catalog if each.id} - {words for _, words in said}
    assert left == set(), "nothing says these any more"
