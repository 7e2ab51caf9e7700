"""The HTTP API: thin views over the domain's functions. Errors are problem details (RFC 9457) with a stable `code`."""
