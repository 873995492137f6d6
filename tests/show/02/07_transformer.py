"""A small transformer's 148 gradients submitted one by one, 2 ranks."""

import _gradients

_gradients.show("transformer")
