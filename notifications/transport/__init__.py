"""Connections that keep to a total deadline: the one HTTP and socket stack that every app here may use."""
