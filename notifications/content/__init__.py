"""Turns a message into text: templates, languages, sanitizing, links, SMS segments."""
