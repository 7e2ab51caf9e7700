"""Rules in pure Python: no Django, no database."""
