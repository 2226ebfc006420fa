"""What a bot needs of this machine and of the world, checked from here with its own settings."""
