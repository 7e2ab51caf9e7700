"""Every list of the admin answers whatever stands in its address or its form, and never with a 500."""

import pytest
from django.contrib.admin import site
from django.test import Client
from django.urls import reverse

from tests.factories.bookings import CustomerFactory, SlotFactory
from tests.factories.notifications import RecipientFactory, publish_one

pytestmark = pytest.mark.django_db

ODD = [
    "status__exact=%00",
    "status=%00&channel=%00",
    "%00=1",
    "verb=%00&job=%00&decision__exact=%00&currency=%00",
    "id__exact=99999999999999999999",
    "starts_at__year=99999999999",
    "created_at__year=99999999999",
    "q=%00",
    "q=%23",
    "q=%25s",
    "p=99999999999999999999",
]
LISTS = sorted(f"{each._meta.app_label}_{each._meta.model_name}" for each in site._registry)


@pytest.mark.parametrize("name", LISTS)
def test_a_list_answers_whatever_stands_in_its_address(admin_client: Client, name: str) -> None:
    CustomerFactory(), SlotFactory(), publish_one(RecipientFactory())  # a filter of nothing raises nothing
    address = reverse(f"admin:{name}_changelist")
    assert {admin_client.get(f"{address}?{odd}", follow=True).status_code for odd in ODD} <= {200, 400, 404}


@pytest.mark.parametrize("name", ["notifications_outboxmessage", "bookings_slot", "auth_user"])
def test_a_chosen_row_that_is_none_is_told(admin_client: Client, name: str) -> None:
    SlotFactory(), publish_one(RecipientFactory())
    address = reverse(f"admin:{name}_changelist")
    choices = admin_client.get(address).context["action_form"].fields["action"].choices
    for action in [value for value, _ in choices if value]:
        for chosen in ("abc", "\x00", "99999999999999999999"):
            answer = admin_client.post(address, {"action": action, "_selected_action": [chosen]}, follow=True)
            assert answer.status_code == 200, (action, chosen)


def test_staff_are_told_that_the_filter_fits_nothing(admin_client: Client) -> None:
    SlotFactory()
    answer = admin_client.get("/admin/bookings/slot/?starts_at__year=99999999999", follow=True)
    assert answer.redirect_chain == [("/admin/bookings/slot/", 302)]
    (told,) = answer.context["messages"]
    assert str(told) == "There are no rows like that. This is the whole list."
