"""What every composition function stands on."""
