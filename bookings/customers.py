"""Customers as staff see them: the accounts, under permissions of their own for forgetting and exporting a person."""

from django.contrib.auth.models import User


class Customer(User):
    """An account. Nothing is stored here."""

    class Meta:
        proxy = True
        default_permissions = ("view",)
        permissions = [("erase_customer", "Can forget a customer"), ("export_customer", "Can export a customer's data")]
