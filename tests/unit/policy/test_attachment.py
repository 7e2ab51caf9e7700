"""What a kind may declare of its files and its letterhead, and which names files get."""

from typing import Any

import pytest

from notifications.kinds import Kind
from notifications.policy.attachment import MOST_FILE_NAME, Attachment, file_name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("receipt.pdf", "receipt.pdf"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\ann\\a.pdf", "a.pdf"),
        ("..", "attachment"),
        (".bashrc", "bashrc"),
        ('a"b\r\nBcc: x.pdf', "a_b_Bcc_ x.pdf"),
        ("invoice\u202efdp.exe", "invoice_fdp.exe"),
        ("", "attachment"),
        ("領収書 Ünï.pdf", "領収書 Ünï.pdf"),
        ("x" * 300 + ".pdf", "x" * (MOST_FILE_NAME - 4) + ".pdf"),
    ],
)
def test_a_name_is_a_file_s_name_and_nothing_else(text: str, name: str) -> None:
    assert file_name(text) == name


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"content_type": "pdf"}, "content_type must be"),
        ({"content_type": "text/plain\r\nBcc: x"}, "content_type must be"),
        ({"build": None}, "either template or build"),
        ({"template": "a.txt"}, "either template or build"),
        ({"cid": "logo"}, "a cid is for images"),
        ({"channels": "email"}, "channels must be names"),
        ({"most_bytes": -1}, "most_bytes must be"),
    ],
)
def test_what_no_message_could_carry_is_refused(given: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        Attachment(**{"name": "a.pdf", "content_type": "application/pdf", "build": lambda _: b""} | given)


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"cc": "office@example.com"}, "cc must be addresses"),
        ({"cc": ("a@example.com",) * 11}, "at most 10"),
        ({"headers": {"Subject": "x"}}, "is the channel's own"),
        ({"headers": {"Content-Type": "x"}}, "is the channel's own"),
        ({"headers": {"X-A\r\nBcc": "x"}}, "must be a text under a name"),
        ({"attachments": ("a.pdf",)}, "attachments must be Attachments"),
    ],
)
def test_a_kind_says_what_is_wrong_with_its_letter(given: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        Kind("test.letter", channels=("email",), **given)
