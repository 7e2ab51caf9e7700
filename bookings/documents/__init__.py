"""What goes with our messages: calendar file, receipt, ticket. Each is made of its message alone, in its language.

So two attempts at a message carry the same bytes. A message of an earlier release, which says less, has fewer files.
"""
