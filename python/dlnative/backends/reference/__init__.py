"""The reference: every op as a NumPy function that reads like its formula. It is what the other backends must agree with.

A function takes arrays and attributes by name, and returns an array or a tuple of arrays. It works in the float type it
is given, changes none of its arguments, and is numerically stable.
"""
