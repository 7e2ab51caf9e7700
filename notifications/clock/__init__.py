"""The package's own periodic work: which jobs there are, who runs them when, and what became of them."""
