"""A file as Python's email package has it, where Django or a provider's library writes the email."""

from email import encoders
from email.message import MIMEPart
from email.mime.base import MIMEBase
from typing import Any

import django

from notifications.policy.attachment import File


def mime_part(file: File) -> Any:
    """`file` as Django's `EmailMessage.attach` takes it: Django 6.0 wants a MIMEPart, and earlier ones a MIMEBase."""
    main, _, rest = file.content_type.partition("/")
    subtype, *parameters = (piece.strip() for piece in rest.split(";"))
    disposition = "inline" if file.cid else "attachment"
    part: Any
    if django.VERSION >= (6, 0):
        part = MIMEPart()
        part.set_content(file.content, main, subtype, disposition=disposition, filename=file.name)
    else:
        part = MIMEBase(main, subtype)
        part.set_payload(file.content)
        encoders.encode_base64(part)
        part.add_header("Content-Disposition", disposition, filename=_name(file.name))
    for name, _, value in (parameter.partition("=") for parameter in parameters):
        part.set_param(name, value)
    if main == "text" and "charset" not in dict(part.get_params()):
        part.set_param("charset", "utf-8")
    if file.cid:
        part["Content-ID"] = f"<{file.cid}>"
    return part


def _name(name: str) -> str | tuple[str, str, str]:
    return name if name.isascii() else ("utf-8", "", name)
