"""The audit log: who did what to whom and when, append only, each entry sealed to the one before."""
