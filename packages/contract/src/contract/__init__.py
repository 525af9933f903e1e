"""Whether the parts of a deployment fit together: pure functions over what its author wrote."""
