"""Who is written to, and what they allow."""
