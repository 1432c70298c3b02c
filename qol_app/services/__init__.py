"""One function per thing that can happen. Each takes a Context and never commits."""
