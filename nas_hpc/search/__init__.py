"""The distributed search: a pure dispatcher, and the MPI program around it."""
