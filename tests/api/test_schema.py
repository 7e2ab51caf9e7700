"""The OpenAPI document is true: whatever is sent to the API, its answers are none but those that it describes."""

from typing import Any

import pytest
import schemathesis
from django.conf import settings as configured
from django.contrib.auth.models import User
from hypothesis import HealthCheck, given, settings, strategies
from schemathesis import APIOperation, GenerationMode
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

from bookings.staff_tokens import SCOPES, make_staff_token
from bookings.tokens import give_token
from config.rates import Rate
from config.wsgi import application
from tests.stage.gateway import GatewayProcess

pytestmark = pytest.mark.django_db(transaction=True)
OFTEN = settings(
    max_examples=10, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)


EXCLUDED = [
    positive_data_acceptance,  # a slot that does not exist is rightly a 400, though its number is one that is allowed
    negative_data_rejection,  # of a query: `page=b&page=` is the empty page, not a list that was to be refused
]
DESCRIBED = schemathesis.openapi.from_wsgi("/api/schema/?format=json", application)
OPERATIONS = [result.ok() for result in DESCRIBED.get_all_operations()]


@pytest.fixture
def token(
    customer: Any, api: Any, order: dict[str, Any], payment_gateway: GatewayProcess, monkeypatch: pytest.MonkeyPatch
) -> str:
    """A customer's token; there is a slot to order, an open order and a booking, and nobody is throttled."""
    paid = api.post("/api/orders/", {"slot": order["slot"], "quantity": 1}).json()
    api.post("/api/payments/verify/", payment_gateway.pay(paid["order_id"]))
    monkeypatch.setattr(configured, "RATES", dict.fromkeys(configured.RATES, Rate(1_000_000, 60)))
    return give_token(customer)


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.label)
def test_every_answer_is_described(operation: APIOperation, token: str) -> None:
    """Sent are values that the document allows, and values that it does not."""

    if "/staff/" in operation.path:
        token = make_staff_token(User.objects.create_superuser("boss"), scope=SCOPES, actor="boss", reason="a test")
    takes_anything = any(map(len, (operation.path_parameters, operation.query, operation.body)))
    headers = {} if "auth/token" in operation.path else {"Authorization": f"Token {token}"}

    @OFTEN
    @given(data=strategies.data())
    def send_anything(data: strategies.DataObject) -> None:
        for mode in GenerationMode if takes_anything else [GenerationMode.POSITIVE]:
            case = data.draw(operation.as_strategy(generation_mode=mode))
            case.call_and_validate(headers=headers, excluded_checks=EXCLUDED[: 1 + bool(len(operation.query))])

    send_anything()


def test_the_document_says_what_clients_rely_on(client: Any) -> None:
    document = client.get("/api/schema/?format=json").json()
    assert document["openapi"].startswith("3.1")
    assert "This is version 1" in document["info"]["description"]
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            assert {"400", "404", "406", "429"} <= operation["responses"].keys(), (method, path)
            for status, response in operation["responses"].items():
                if int(status) >= 400:
                    (content,) = response["content"].items()
                    assert content[0] == "application/problem+json"
                    codes = [each["value"]["code"] for each in content[1]["examples"].values()]
                    assert codes, (method, path, status)
                    assert all(each["value"]["status"] == int(status) for each in content[1]["examples"].values())
