"""Planning: from a trace to a program."""
