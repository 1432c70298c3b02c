"""Ways by which a message leaves the house; ``channels`` lists them. No rules about whether."""
