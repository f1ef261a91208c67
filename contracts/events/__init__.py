"""What each module tells the others: authored here, read by both sides."""
