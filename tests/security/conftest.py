"""What these tests share with the API's: a customer, a slot, an order, and the real payment gateway."""

from tests.api.conftest import api, customer, nobody_was_here, order, slot

__all__ = ["api", "customer", "nobody_was_here", "order", "slot"]
