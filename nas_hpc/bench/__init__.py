"""How fast a child trains, beside the loop that most people would write.

`plain` is that loop, `race` measures both in turns, `peak` says what the device could do, `crowd`
lets several children train at a time, `machine` says on what, `child` shows it all.
"""
