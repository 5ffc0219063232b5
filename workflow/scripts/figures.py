"""Draw every figure."""
