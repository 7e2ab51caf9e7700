"""`make demo`: payments become bookings and messages, through every process that runs in production.

Only the payment gateway, Twilio's API and the SMTP server are stand-ins: local services. The demo counts as sent what
they received, not what the outbox's tables say.
"""
