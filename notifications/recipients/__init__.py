"""Recipients: their contact details, their opt-outs, and what they write to us."""
