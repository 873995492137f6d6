"""Gradient lists of models: the float32 count of each parameter tensor, in forward order."""

from math import prod


def resnet50():
    """161 tensors, 25,557,032 parameters (1000 classes, batch-norm scale and shift)."""
    shapes = [(64, 3, 7, 7), (64,), (64,)]
    inputs = 64
    for width, blocks in ((64, 3), (128, 4), (256, 6), (512, 3)):
        outputs = 4 * width
        for block in range(blocks):
            shapes += [(width, inputs, 1, 1), (width,), (width,)]
            shapes += [(width, width, 3, 3), (width,), (width,)]
            shapes += [(outputs, width, 1, 1), (outputs,), (outputs,)]
            if block == 0:  # the projection of the shortcut
                shapes += [(outputs, inputs, 1, 1), (outputs,), (outputs,)]
            inputs = outputs
    shapes += [(1000, inputs), (1000,)]
    return [prod(s) for s in shapes]


def transformer():
    """A small GPT-2-like decoder: 148 tensors, 46.7 M parameters (12 layers, width 512)."""
    width, vocabulary, context, layers = 512, 16384, 1024, 12
    counts = [vocabulary * width, context * width]
    for _ in range(layers):
        counts += [width, width]  # norm
        counts += [width * 3 * width, 3 * width]  # query, key, value
        counts += [width * width, width]  # attention output
        counts += [width, width]  # norm
        counts += [width * 4 * width, 4 * width]  # feed-forward in
        counts += [4 * width * width, width]  # feed-forward out
    return [*counts, width, width]  # final norm


MODELS = {"resnet50": resnet50, "transformer": transformer}


def write_lists(folder):
    """One file per model, in the order in which backward produces the gradients."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, counts in MODELS.items():
        (folder / f"{name}.tensors").write_text("".join(f"{n}\n" for n in reversed(counts())))
