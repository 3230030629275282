"""What every room shares: errors, value types, units, bounds, findings, atomic files, executors."""
