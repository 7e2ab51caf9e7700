"""`make chaos`: everything that runs in production, under load, while it is killed, stopped, cut off and restarted.

    plan       which fault when: a pure function of the seed and the minutes
    campaign   the course of it: sets the stage, lets the director carry the plan out, waits, has it judged
    failing    another course: providers fail, and nothing else; punctual measures it, failing_report tells
    stage      the processes and their addresses; cast, the ones that are killed; database, network, load
    load       who visits the shop: customers, and newcomers, who read their codes from an inbox
    history    what was seen from outside, as plain records; gather reads it, checker judges it, recovery measures it

docs/chaos.md says what is judged, and by what.
"""
