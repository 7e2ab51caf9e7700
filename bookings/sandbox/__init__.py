"""The sandbox payment gateway: a local HTTP service that issues orders, takes payments and signs them.

It serves the demo, the tests and the benchmarks. Nothing else imports it.
"""
