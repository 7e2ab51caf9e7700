"""Rules in pure Python: retries, opt-outs, quiet hours, phone numbers. No Django, no database."""
