"""The tests' settings are the project's."""

import parcels  # noqa: F401
