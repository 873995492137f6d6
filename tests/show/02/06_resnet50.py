"""ResNet-50's 161 gradients submitted one by one, 2 ranks."""

import _gradients

_gradients.show("resnet50")
