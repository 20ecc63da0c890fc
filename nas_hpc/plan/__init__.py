"""What an experiment will ask of a machine or a cluster, told before it starts.

`child_seconds` finds how long one child trains, `demand` and `footprint` calculate what follows,
`table` shows it. Nothing is submitted, and nothing is written into the run.
"""
