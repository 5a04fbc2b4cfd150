"""The worker: takes jobs from core, generates tickets with a model, reports back."""
