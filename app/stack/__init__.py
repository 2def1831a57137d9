"""The embedded stack: one command that starts and keeps alive every part on one machine."""
