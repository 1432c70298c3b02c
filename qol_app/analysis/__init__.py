"""Tables in, frozen results out: what the answers of a trial say, and about how many people."""
