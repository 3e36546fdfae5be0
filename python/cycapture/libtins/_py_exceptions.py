"""The original's module of exceptions, from which its own code and old scripts import."""

from ._exceptions import *  # noqa: F403
