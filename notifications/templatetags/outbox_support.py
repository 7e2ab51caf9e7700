"""Template filters of support's pages."""

from django import template

from notifications.policy import support_words

register = template.Library()


@register.filter
def status_words(status: str) -> str:
    """{{ message.status|status_words }} → goes next (pending)."""
    return support_words.status_words(status)
