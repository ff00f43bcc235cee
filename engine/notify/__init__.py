"""Notifications: sends events to a webhook (CloudEvents) and to a Slack-compatible one.

messages.py   events in, messages out (pure)
sinks.py      one message to one address
courier.py    everything that happened to one sink, in order, however long it is away
"""
