"""What a gradient looks like while it travels: `Compression.none` or `Compression.fp16`."""

from __future__ import annotations

from typing import Any

import torch


class Compressor:
    """Interface; subclass it for a compression of your own."""

    @staticmethod
    def compress(tensor: torch.Tensor) -> tuple[torch.Tensor, Any]:
        """Returns the tensor to send and a context for `decompress`."""
        raise NotImplementedError

    @staticmethod
    def decompress(tensor: torch.Tensor, ctx: Any) -> torch.Tensor:
        """Returns the tensor in the form it had before `compress`."""
        raise NotImplementedError


class NoneCompressor(Compressor):
    """Sends tensors as they are."""

    @staticmethod
    def compress(tensor: torch.Tensor) -> tuple[torch.Tensor, Any]:
        """Returns the tensor itself."""
        return tensor, None

    @staticmethod
    def decompress(tensor: torch.Tensor, ctx: Any) -> torch.Tensor:
        """Returns the tensor itself."""
        return tensor


class FP16Compressor(Compressor):
    """Sends floating point tensors as float16: half the bytes of float32, 11 bits of mantissa.

    >>> import torch
    >>> small, ctx = FP16Compressor.compress(torch.ones(2))
    >>> small.dtype, FP16Compressor.decompress(small, ctx).dtype
    (torch.float16, torch.float32)
    """

    @staticmethod
    def compress(tensor: torch.Tensor) -> tuple[torch.Tensor, Any]:
        """Returns a float16 copy of a floating point tensor, any other tensor itself."""
        if tensor.dtype.is_floating_point:
            return tensor.to(torch.float16), tensor.dtype
        return tensor, tensor.dtype

    @staticmethod
    def decompress(tensor: torch.Tensor, ctx: Any) -> torch.Tensor:
        """Returns the tensor in its original dtype."""
        return tensor.to(ctx) if ctx.is_floating_point else tensor


class Compression:
    """The compressors to choose from."""

    none = NoneCompressor
    fp16 = FP16Compressor
