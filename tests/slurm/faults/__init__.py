"""Faults of every kind, each against a real search on the throw-away cluster.

=============  ====================================================================================
``subject``    the search under test: a Slurm job whose children are tasks of arrays
``own``        what it trains; the children keep a diary outside of its folder
``watch``      a reader that is open throughout
``promises``   what must hold whatever happens
``fault``      a fault, and a search that goes through it
``table``      all faults, and the table of results; the faults themselves are in the other files
=============  ====================================================================================
"""
