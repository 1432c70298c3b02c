"""What a trial and its questionnaires are, read from files: pure values and their checks."""
