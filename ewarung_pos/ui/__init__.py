"""What the operator and the family see: view-models without Qt, and views with it."""
