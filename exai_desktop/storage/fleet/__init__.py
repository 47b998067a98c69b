"""What programs and machines share: content locks, and a Redis."""
