"""The sandbox payment gateway: a local HTTP service that issues orders, takes payments and signs them.

For the demo, the tests and the benchmarks. Nothing else of the project imports it.
"""
