"""The whole engine under its own clock, disk, database and network: see test_histories."""
