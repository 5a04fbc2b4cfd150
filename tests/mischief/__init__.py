"""Jobs by chance against models that misbehave by chance, and what has to hold whatever they do."""
