"""Random programs: the cpu against the reference, one thread against two, and no input that ends the process.

    python -m tests.fuzz --seconds 3600            # from the root of the project; --seed N begins elsewhere
    python -m tests.fuzz --only 1234               # one case again, here

Each case is made from its number alone. They run in a process of their own, which is started anew when a case ends it or
takes too long; what is found is printed with the number of the case.
"""
