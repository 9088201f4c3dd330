"""View-models: one frozen State each, commands, subscribe. No Qt."""
