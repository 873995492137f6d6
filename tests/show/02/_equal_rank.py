"""One rank: allreduces of every dtype with every op, random bits; all ranks compare their results.

Arguments: transport (shm, arena, tcp, mixed), sizes in bytes, seed of the order in which this run
submits and of the pauses between. Rank 0 prints a line "REPORT {json}". Uses hvd.h itself, as numpy
has no names for some of the dtypes.
"""

import ctypes
import hashlib
import json
import os
import pathlib
import random
import sys
import time

import numpy as np

DTYPES = {  # number: name, bytes, mask of bits that may be random (no infinities, no NaN)
    0: ("uint8", 1, 0xFF),
    1: ("int8", 1, 0xFF),
    2: ("uint16", 2, 0xFFFF),
    3: ("int16", 2, 0xFFFF),
    4: ("int32", 4, 0xFFFFFFFF),
    5: ("int64", 8, 0xFFFFFFFFFFFFFFFF),
    6: ("float16", 2, 0xBFFF),
    7: ("float32", 4, 0xBFFFFFFF),
    8: ("float64", 8, 0xBFFFFFFFFFFFFFFF),
    9: ("bool", 1, 0x01),
    10: ("bfloat16", 2, 0xBFFF),
    11: ("uint32", 4, 0xFFFFFFFF),
    12: ("uint64", 8, 0xFFFFFFFFFFFFFFFF),
    13: ("float8_e4m3", 1, 0xBF),
    14: ("float8_e5m2", 1, 0xBF),
    15: ("complex64", 8, 0xBFFFFFFFBFFFFFFF),
    16: ("complex128", 16, 0xBFFFFFFFFFFFFFFF),
}
OPS = (
    *("average", "sum", "adasum", "min", "max", "product", "bit_and", "bit_or", "bit_xor"),
    *("logical_and", "logical_or", "logical_xor", "premultiplied_sum"),
)
OK, INVALID, UNSUPPORTED = 0, 1, 7


class Tensor(ctypes.Structure):
    _fields_ = (
        *(("data", ctypes.c_void_p), ("shape", ctypes.POINTER(ctypes.c_int64))),
        *(("ndim", ctypes.c_int32), ("dtype", ctypes.c_int32), ("device", ctypes.c_int32)),
    )


class Options(ctypes.Structure):
    _fields_ = (
        *(("struct_size", ctypes.c_size_t), ("op", ctypes.c_int32), ("root_rank", ctypes.c_int32)),
        *(("prescale", ctypes.c_double), ("postscale", ctypes.c_double)),
        ("deadline_seconds", ctypes.c_double),
    )


def find_library():
    if "HVD_SHOW_LIBRARY" in os.environ:
        return os.environ["HVD_SHOW_LIBRARY"]
    import hvd

    return str(next(pathlib.Path(hvd.__file__).parent.glob("lib/libhvd.so*")))


def choose_transport(kind):
    """Ranks with different host keys do not share memory."""
    rank, size = int(os.environ["HVD_RANK"]), int(os.environ["HVD_SIZE"])
    for name in ("LOCAL_RANK", "LOCAL_SIZE", "CROSS_RANK", "CROSS_SIZE"):  # hvdrun's: one host
        for prefix in ("HVD_", "HOROVOD_"):
            os.environ.pop(prefix + name, None)
    if kind == "tcp":
        os.environ["HVD_HOST_KEY"] = f"host {rank}"
    if kind == "mixed":
        os.environ["HVD_HOST_KEY"] = f"host {rank * 2 // size}"


LIBRARY = ctypes.CDLL(find_library())
LIBRARY.hvd_last_error.restype = ctypes.c_char_p


def must(status, what):
    if status != OK:
        text = LIBRARY.hvd_last_error().decode()
        sys.exit(f"rank {LIBRARY.hvd_rank()}: {what}: status {status}: {text}")


class Arena:
    """Memory of hvd_alloc, given out piece by piece and taken back all at once."""

    BYTES = 32 << 20

    def __init__(self):
        memory = ctypes.c_void_p()
        must(LIBRARY.hvd_alloc(ctypes.c_size_t(self.BYTES), ctypes.byref(memory)), "hvd_alloc")
        self.memory = np.ctypeslib.as_array(
            ctypes.cast(memory, ctypes.POINTER(ctypes.c_uint8)), (self.BYTES,)
        )
        self.used = 0

    def copy_of(self, data):
        start, self.used = self.used, self.used + (len(data) + 127) // 128 * 128
        piece = self.memory[start : start + len(data)]
        piece[:] = data
        return piece


class Case:
    def __init__(self, dtype, op, byte_count, arena):
        name, element_bytes, mask = DTYPES[dtype]
        self.name = f"{OPS[op]} {name} {byte_count}"
        self.dtype, self.op = dtype, op
        count = byte_count // element_bytes
        seed = np.random.SeedSequence([dtype, op, byte_count, LIBRARY.hvd_rank()])
        words = np.random.default_rng(seed).integers(
            0, 256, size=count * element_bytes, dtype=np.uint8
        )
        width = min(element_bytes, 8)
        self.data = (words.view(f"u{width}") & np.array(mask, f"u{width}")).view(np.uint8)
        if arena is not None:
            self.data = arena.copy_of(self.data)
        self.shape = (ctypes.c_int64 * 1)(count)
        self.handle = ctypes.c_uint64()
        self.refused = ""

    def submit(self):
        tensor = Tensor(self.data.ctypes.data, self.shape, 1, self.dtype, 0)
        factor = 1.0 + LIBRARY.hvd_rank() / 8 if OPS[self.op] == "premultiplied_sum" else 0.0
        options = Options(ctypes.sizeof(Options), self.op, 0, factor, 0.0, 0.0)
        status = LIBRARY.hvd_allreduce_async(
            self.name.encode(),
            ctypes.byref(tensor),
            ctypes.byref(tensor),
            ctypes.byref(options),
            ctypes.byref(self.handle),
        )
        if status in (INVALID, UNSUPPORTED):
            self.refused = LIBRARY.hvd_last_error().decode()
        else:
            must(status, self.name)

    def finish(self):
        if self.refused:
            return hashlib.sha256(b"refused").digest()
        must(LIBRARY.hvd_wait(self.handle, ctypes.c_double(-1)), self.name)
        must(LIBRARY.hvd_release(self.handle), self.name)
        return hashlib.sha256(self.data.tobytes()).digest()


def gather(digests):
    """One row of digests a rank."""
    mine = np.frombuffer(b"".join(digests), dtype=np.uint8).copy()
    shape = (ctypes.c_int64 * 2)(1, len(mine))
    tensor = Tensor(mine.ctypes.data, shape, 2, 0, 0)
    handle, data = ctypes.c_uint64(), ctypes.c_void_p()
    found, ndim = ctypes.POINTER(ctypes.c_int64)(), ctypes.c_int32()
    status = LIBRARY.hvd_allgather_async(
        b"digests", ctypes.byref(tensor), None, None, ctypes.byref(handle)
    )
    must(status, "digests")
    must(LIBRARY.hvd_wait(handle, ctypes.c_double(-1)), "digests")
    must(
        LIBRARY.hvd_result(handle, ctypes.byref(data), ctypes.byref(found), ctypes.byref(ndim)),
        "digests",
    )
    text = ctypes.string_at(data, len(mine) * LIBRARY.hvd_size())
    return [text[i : i + len(mine)] for i in range(0, len(text), len(mine))]


def submit_all(cases, turns):
    """In an order of this rank's own; a pause now and then, so that other tensors come together."""
    cases = list(cases)
    turns.shuffle(cases)
    for case in cases:
        case.submit()
        if turns.random() < 0.05:
            time.sleep(turns.random() * 1e-3)


def main():
    kind, sizes = sys.argv[1], [int(n) for n in sys.argv[2].split(",")]
    choose_transport(kind)
    must(LIBRARY.hvd_init(None), "init")
    turns = random.Random(1000 * int(sys.argv[3]) + LIBRARY.hvd_rank())
    arena = Arena() if kind == "arena" else None
    names, digests, refused = [], [], {}
    for dtype in DTYPES:  # all of a dtype at once, so that they are fused as it comes
        if arena is not None:
            arena.used = 0
        cases = [Case(dtype, op, n - n % 16, arena) for op in range(len(OPS)) for n in sizes]
        submit_all(cases, turns)
        for case in cases:
            digests.append(case.finish())
            names.append(case.name)
            if case.refused:
                refused.setdefault(OPS[case.op], set()).add(DTYPES[dtype][0])
    rows = gather(digests)
    for rank, row in enumerate(rows):
        for i, name in enumerate(names):
            if row[32 * i : 32 * i + 32] != rows[0][32 * i : 32 * i + 32]:
                sys.exit(f"rank {rank} and rank 0 differ in {name} over {kind}")
    if LIBRARY.hvd_rank() == 0:
        report = {
            "cases": sum(d != hashlib.sha256(b"refused").digest() for d in digests),
            "digest": hashlib.sha256(rows[0]).hexdigest(),
            "refused": {op: sorted(which) for op, which in refused.items()},
        }
        print("REPORT " + json.dumps(report), flush=True)
    must(LIBRARY.hvd_barrier(b"compared", None), "barrier")
    must(LIBRARY.hvd_shutdown(), "shutdown")


main()
