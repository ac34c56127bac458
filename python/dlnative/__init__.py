"""dlnative."""
from dlnative import ops
