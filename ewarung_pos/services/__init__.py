"""Use cases: synchronous, on the ledger lane; no Qt, no SQL, no bytes."""
