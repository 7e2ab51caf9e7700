"""The staff's site: which pages the admin has, and who comes in.

A page that came with a package does what its authors thought of: django-q2's runs any function of Python. So only pages
that this project wrote are registered, and a test holds the list of them. Staff sign in here only, with a second factor
where STAFF_SECOND_FACTOR asks for it.
"""

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.contrib.admin import ModelAdmin
from django.contrib.auth.views import redirect_to_login
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path, reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from notifications.operations.record_action import Actor

OURS = ("config.", "bookings.", "notifications.")


class StaffSite(admin.AdminSite):
    """Django's admin site without the pages that packages bring along, behind the staff's login."""

    login_template = "admin/staff_login.html"

    def __init__(self, name: str = "admin") -> None:
        super().__init__(name)
        self.site_header = self.site_title = str(settings.BUSINESS["name"])

    def register(
        self,
        model_or_iterable: type[Model] | Iterable[type[Model]],
        admin_class: type[ModelAdmin] | None = None,
        **options: Any,
    ) -> None:
        if admin_class is None or not f"{admin_class.__module__}.".startswith(OURS):
            return
        super().register(model_or_iterable, admin_class, **options)

    def has_permission(self, request: HttpRequest) -> bool:
        from config import second_factor  # noqa: PLC0415  (this module is loaded before the models)

        return bool(super().has_permission(request) and second_factor.is_passed(request))

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Ask for name, password and code; lead who has to enrol a second factor to that page."""
        from config.staff_forms import StaffLoginForm  # noqa: PLC0415

        self.login_form = StaffLoginForm
        if request.method == "GET" and not self.has_permission(request) and self._may_enrol(request):
            return HttpResponseRedirect(reverse("admin:second-factor"))
        return super().login(request, extra_context)

    def get_urls(self) -> list[URLPattern | URLResolver]:
        return [path("second-factor/", self.second_factor_view, name="second-factor"), *super().get_urls()]

    def second_factor_view(self, request: HttpRequest) -> HttpResponse:
        """Enrol an app's codes; who has done so makes new backup codes here. Another admin resets a lost factor."""
        if not (self.has_permission(request) or self._may_enrol(request)):
            return redirect_to_login(request.get_full_path(), reverse("admin:login"))
        return _second_factor(request, self)

    def _may_enrol(self, request: HttpRequest) -> bool:
        """Staff who have signed in, and have no second factor yet."""
        from config import second_factor  # noqa: PLC0415

        return super().has_permission(request) and not second_factor.is_enrolled(request.user)


@never_cache
@sensitive_post_parameters("password", "code")
def _second_factor(request: HttpRequest, site: StaffSite) -> HttpResponse:
    from config import second_factor  # noqa: PLC0415
    from config.staff_forms import SecondFactorForm  # noqa: PLC0415

    user: Any = request.user
    is_enrolled = second_factor.is_enrolled(user)
    device = None if is_enrolled else second_factor.unconfirmed(user)
    form = SecondFactorForm(request.POST or None, request=request, user=user, device=device)
    context: dict[str, Any] = {"title": "Second factor", "form": form, "is_enrolled": is_enrolled}
    if request.method == "POST" and form.is_valid():
        actor = Actor.of(user)
        renewed = is_enrolled and second_factor.renew_codes(user, actor=actor)
        context["codes"] = renewed or second_factor.enrol(request, device, actor=actor)
    elif device:
        context |= {"picture": second_factor.picture_of(device), "key": second_factor.key_of(device)}
    else:
        context["codes_left"] = second_factor.codes_left(user)
    return TemplateResponse(request, "admin/second_factor.html", site.each_context(request) | context)
