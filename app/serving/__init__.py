"""Trained models on the model servers: loaded beside the base model, asked through us, taken off again."""
