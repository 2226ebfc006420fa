"""The verbs of the command line but `run`, which is the daemon; each is loaded when it is used."""
