"""The machine under the server: private files, keys, the home, outgoing calls, what it refuses, and how a process ends."""
