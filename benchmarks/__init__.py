"""Speed, memory and the window's calm, measured on the real parts: `python -m benchmarks`."""
