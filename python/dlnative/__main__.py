"""`python -m dlnative`: the same as the command `dlnative`."""

import sys

from dlnative.cli import main

sys.exit(main())
