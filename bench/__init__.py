"""What things cost, measured beside what others cost."""
