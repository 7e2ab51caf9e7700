"""What customers' pages go by: their languages, and the page for a form that is refused."""

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("de", "Deutsch")]  # that pages and messages come in
CSRF_FAILURE_VIEW = "config.error_views.form_refused"
LANGUAGE_COOKIE_NAME = "language"
