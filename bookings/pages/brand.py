"""The business's logo, for the head of each page."""

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from bookings.business_logo import UnusableLogo, logo

KEPT = 3600  # seconds in a browser: a new one is seen within the hour


@require_safe
@cache_control(public=True, max_age=KEPT)
def show_logo(_: HttpRequest) -> HttpResponse:
    """The image. 404 without one."""
    try:
        found = logo()
    except UnusableLogo:  # `manage.py check` says why
        found = None
    if found is None:
        raise Http404
    return HttpResponse(found.content, content_type=found.content_type)
