"""What administrators create, change and delete."""
