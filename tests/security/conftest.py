"""What these tests share with the API's: a customer, a slot, an order, and the real payment gateway."""

from tests.api.conftest import api, customer, order, slot

__all__ = ["api", "customer", "order", "slot"]
