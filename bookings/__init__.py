"""The domain: slots, orders, payments, bookings. Of notifications it sees the outbox and its words only."""
