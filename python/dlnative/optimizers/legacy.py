"""Names under which Keras 2.11 kept its older optimizers: the same ones here."""

from dlnative.optimizers.adagrad import Adagrad
from dlnative.optimizers.adam import Adam
from dlnative.optimizers.ftrl import Ftrl
from dlnative.optimizers.optimizer import Optimizer
from dlnative.optimizers.rmsprop import RMSprop
from dlnative.optimizers.sgd import SGD

__all__ = ["SGD", "Adagrad", "Adam", "Ftrl", "Optimizer", "RMSprop"]
