"""Members of staff for tests."""

from django.contrib.auth.models import Permission, User
from django.test import Client


def staff(*permissions: str, name: str = "support") -> Client:
    """A browser in which a member of staff with these permissions is signed in."""
    user = User.objects.create_user(name, is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(user)
    return client
