"""The local socket between two processes of this program."""
