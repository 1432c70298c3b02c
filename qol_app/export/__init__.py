"""Data leaving the program: long tables, and one writer for each file format."""
