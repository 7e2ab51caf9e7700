"""Twilio's status callbacks that Twilio did not sign, or whose signature was taken from another: refused."""

import itertools
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from notifications.models import OutboxMessage, Receipt
from notifications.webhooks.signed_forms import MOST_BYTES
from tests.webhooks.conftest import receipt_of
from tests.webhooks.twilio import FORM, STATUS, post, sid, signature, status_fields, tell

pytestmark = pytest.mark.django_db


class TestForgeries:
    """Each is refused, and changes nothing."""

    @pytest.fixture(autouse=True)
    def _nothing_changes(self, sent: OutboxMessage) -> Iterator[None]:
        yield
        assert receipt_of(sent) == ""
        assert not Receipt.objects.exists()

    def test_unsigned(self, sent: OutboxMessage) -> None:
        assert tell("delivered", message=sent.pk, signed="").status_code == 403

    def test_signed_with_another_token(self, sent: OutboxMessage) -> None:
        path, fields = f"{STATUS}?message={sent.pk}&claim=1", status_fields("delivered")
        assert post(path, fields, signed=signature(path, fields, token="guess")).status_code == 403

    @pytest.mark.parametrize("signed", ["x", "=", "ü".encode().decode("latin-1"), "A" * 28])
    def test_signed_with_rubbish(self, sent: OutboxMessage, signed: str) -> None:
        assert tell("delivered", message=sent.pk, signed=signed).status_code == 403

    def test_about_another_message_than_was_signed(self, sent: OutboxMessage) -> None:
        fields = status_fields("delivered")
        signed = signature(f"{STATUS}?message={sent.pk + 1}&claim=1", fields)
        assert post(f"{STATUS}?message={sent.pk}&claim=1", fields, signed=signed).status_code == 403

    def test_for_another_host_whatever_the_headers_say(self, sent: OutboxMessage) -> None:
        path, fields = f"{STATUS}?message={sent.pk}&claim=1", status_fields("delivered")
        signed = signature(path, fields, url="https://evil.example")
        for header in ({"HTTP_X_FORWARDED_HOST": "evil.example"}, {"HTTP_X_FORWARDED_PROTO": "https"}):
            assert post(path, fields, signed=signed, **header).status_code == 403

    def test_of_another_account(self, sent: OutboxMessage) -> None:
        assert tell("delivered", message=sent.pk, AccountSid="AC" + "0b" * 16).status_code == 403

    def test_names_and_values_divided_otherwise(self, sent: OutboxMessage) -> None:
        path, fields = f"{STATUS}?message={sent.pk}&claim=1", status_fields("delivered")
        signed = signature(path, fields)
        del fields["MessageSid"]
        divided = fields | {"MessageSi": f"d{sid()}"}
        assert signature(path, divided) == signed, "the signature alone cannot tell them apart"
        assert post(path, divided, signed=signed).status_code == 400

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("MessageSid", "SM1"),
            ("MessageSid", "MM" + "g" * 32),
            ("MessageSid", sid() + "\n"),
            ("MessageStatus", "Delivered"),
            ("MessageStatus", ""),
            ("ErrorCode", "3000500"),
            ("ErrorCode", "-1"),
        ],
    )
    def test_values_in_no_shape_of_twilios(self, sent: OutboxMessage, name: str, value: str) -> None:
        assert tell("delivered", message=sent.pk, **{name: value}).status_code == 400

    @pytest.mark.parametrize("query", ["message=x&claim=1", "message=1&claim=-1", "message=" + "9" * 19, "message=٣"])
    def test_a_url_that_is_not_ours(self, sent: OutboxMessage, query: str) -> None:
        assert post(f"{STATUS}?{query}", status_fields("delivered")).status_code in {400, 403}

    def test_json_is_refused_however_it_is_signed(self, client: Client) -> None:
        answer = client.post(
            STATUS, "{}", content_type="application/json", HTTP_X_TWILIO_SIGNATURE=signature(STATUS, {})
        )
        assert answer.status_code == 415

    def test_other_methods(self, client: Client) -> None:
        answer = client.get(STATUS)
        assert (answer.status_code, answer["Allow"]) == (405, "POST")

    @pytest.mark.parametrize(
        ("body", "status"),
        [
            ("", 415),
            ("a=1&a=2", 400),
            ("a=%ff", 400),
            ("a=%00", 400),
            ("ü=1", 400),
            ("&".join(f"a{number}=1" for number in range(1000)), 400),
            ("a=" + "1" * MOST_BYTES, 413),
        ],
        ids=["empty", "twice", "no UTF-8", "NUL", "no ASCII", "many fields", "large"],
    )
    def test_bodies_that_are_no_form_of_twilios(self, client: Client, body: str, status: int) -> None:
        signed = signature(STATUS, {})
        answer = client.post(STATUS, body.encode(), content_type=FORM, HTTP_X_TWILIO_SIGNATURE=signed)
        assert answer.status_code == status

    def test_without_a_token_nothing_is_believed(self, sent: OutboxMessage, settings: Any) -> None:
        path, fields = f"{STATUS}?message={sent.pk}&claim=1", status_fields("delivered")
        settings.TWILIO_AUTH_TOKEN = ""
        assert post(path, fields, signed=signature(path, fields, token="")).status_code == 403


@given(cuts=st.lists(st.integers(1, 400), min_size=2, max_size=30, unique=True))
def test_no_other_division_of_a_signed_text_means_anything_else(cuts: list[int]) -> None:
    """However the signed text is cut into names and values: refused, or read as what Twilio meant."""
    fields = status_fields("undelivered", ErrorCode="30003", ErrorMessage="Unreachable")
    path = f"{STATUS}?message=1&claim=1"
    text = "".join(name + fields[name] for name in sorted(fields))
    places = [0, *sorted(cut for cut in cuts if cut < len(text)), len(text)]
    pieces = [text[start:end] for start, end in itertools.pairwise(places)]
    pieces += [""] * (len(pieces) % 2)
    divided = dict(zip(pieces[::2], pieces[1::2], strict=True))
    if signature(path, divided) == signature(path, fields) and divided != fields:
        assert post(path, divided, signed=signature(path, fields)).status_code in {400, 403}
