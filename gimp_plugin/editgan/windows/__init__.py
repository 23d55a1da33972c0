"""What the photographer sees and operates; it asks the commands to do the work."""
