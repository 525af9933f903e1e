"""What a release is made of: images without Docker, Crossplane packages, a list of what is in each."""
