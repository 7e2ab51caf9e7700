"""What providers tell us, one shelf per provider: authenticate → parse → call the function that keeps it."""
