"""The live board: the whole outbox on one page, with buttons. Each refresh makes a few bounded queries."""
