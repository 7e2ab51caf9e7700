"""Hands a message's file to the provider that sends it (WhatsApp's media). The signed link is the permission.

The file is built anew from the message, as it was for the attempt; nothing is stored. One that does not exist any more,
as after an erasure, is a 404, as is a link that nobody signed or whose time is over.
"""

import time

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.http import content_disposition_header
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from notifications.content.media_links import InvalidLink, read
from notifications.models import OutboxMessage
from notifications.selectors.outgoing import files_of


@require_safe
@never_cache
def media(_: HttpRequest, token: str) -> HttpResponse:
    """One file of one message."""
    try:
        wanted = read(token, now=time.time())
    except InvalidLink:
        raise Http404 from None
    message = OutboxMessage.objects.select_related("recipient").filter(pk=wanted.message_id).first()
    files = files_of(message) if message else ()
    if wanted.place >= len(files):
        raise Http404
    file = files[wanted.place]
    response = HttpResponse(file.content, content_type=file.content_type)
    response["Content-Disposition"] = content_disposition_header(as_attachment=False, filename=file.name) or "inline"
    response["X-Content-Type-Options"] = "nosniff"
    response["X-Robots-Tag"] = "noindex"
    return response
