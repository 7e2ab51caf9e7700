"""`make demo`: real payments become bookings and real messages, through everything that runs in production.

Only the far ends are stand-ins: the payment gateway, Twilio's API and the SMTP server are local services. What the demo
says was sent is counted from what those services received, not from the outbox's own tables.
"""
