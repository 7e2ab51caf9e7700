"""How `client.force_login` opens both doors without a password. No name and password pass here."""

from typing import Any

from django.contrib.auth.backends import ModelBackend


class ForcedLogin(ModelBackend):
    def authenticate(self, *args: Any, **credentials: Any) -> None:
        return None
