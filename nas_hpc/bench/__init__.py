"""How fast a child trains, and a recurrent cell, beside what most people would write.

`plain` is a training loop as most write it, `race` measures a child and that loop in turns, `peak`
says what the device could do, `crowd` lets several children train at a time, `child` shows it all.
`cell_arms` has a recurrent cell in several ways, `cell` measures and shows them. `machine` says on
what something was measured, `device` reads the command line.
"""
