"""What crosses a border: data first, almost no code; knows nobody."""
