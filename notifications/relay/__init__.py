"""The relay: claims due messages, sends them, and records what became of each. One role per file; `loop` wires them."""
