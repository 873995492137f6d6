"""The peers that come with the harness: what they need, how each is built and started.

A command is a template (README.md lists the placeholders). One that names {np} is started once
and starts its own ranks; any other is started once per rank.
"""

import os
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

PACKAGES = {
    "g++": "compiles the peers",
    "iproute2": "emulates two hosts",
    "libgloo-dev": "Gloo, a peer",
    "openmpi-bin": "Open MPI, a peer",
    "libopenmpi-dev": "the same, to compile with",
    "mpich": "MPICH, a peer",
    "libmpich-dev": "the same, to compile with",
    "python3-torch": "torch.distributed, a peer",
}

# The large temporaries of a collective stay mapped: glibc neither maps them one by one nor
# gives them back. Without it MPI pays page faults on every large call.
KEEP_MEMORY = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(1 << 36)}

ROOT = Path(__file__).resolve().parents[3]
PYTHON = os.environ.get("HVD_BENCH_PYTHON", "/usr/bin/python3")  # one that can import torch
HVD_PERF = os.environ.get("HVD_BENCH_PERF", str(ROOT / "build" / "tests" / "bench" / "hvd_perf"))

OPENMPI = "mpirun.openmpi --allow-run-as-root --oversubscribe --bind-to none -n {np} "
OPENMPI_NET = (
    "{agent} {host0} mpirun.openmpi --allow-run-as-root --host {host0}:{slots},{host1}:{slots} "
    "-n {np} --bind-to none --mca plm_rsh_agent {agent} --mca pml ob1 --mca btl self,tcp "
    "--mca btl_tcp_if_include {interface} --mca oob_tcp_if_include {interface} "
)
MPICH_NET = (
    "{agent} {host0} UCX_TLS=tcp,self UCX_NET_DEVICES={interface} mpiexec.mpich -launcher ssh "
    "-launcher-exec {agent} -hosts {host0},{host1} -iface {interface} -n {np} "
)


@dataclass(frozen=True)
class Peer:
    name: str
    command: str
    note: str = ""
    net_command: str = ""  # between the emulated hosts, for a command that starts its own ranks
    env: dict = field(default_factory=dict)
    ops: tuple = ()  # prefixes of the only operations worth running; empty: all
    links: bool = False  # only between emulated hosts

    @property
    def per_rank(self):
        return "{np}" not in self.command


def _openmpi(name, note, flags="", **more):
    program = flags + "{build}/mpi_peer_openmpi {args}"
    return Peer(name, OPENMPI + program, note, OPENMPI_NET + program, **more)


def _mpich(name, note, **more):
    program = "{build}/mpi_peer_mpich {args}"
    return Peer(name, f"mpiexec.mpich -n {{np}} {program}", note, MPICH_NET + program, **more)


PEERS = [
    Peer("hvd-engine", HVD_PERF + " {args} --door engine", "a schedule straight into hvd's engine"),
    Peer("hvd-api", HVD_PERF + " {args} --door api", "by name through hvd.h"),
    Peer(
        "hvd-arena",
        HVD_PERF + " {args} --door engine --arena 1",
        "tensors in hvd's arena",
        ops=("allreduce",),
    ),
    Peer(
        "hvd-bf16",
        HVD_PERF + " {args} --door api --wire bf16",
        "bf16 between hosts",
        ops=("allreduce",),
        links=True,
    ),
    Peer(
        "stream",
        "{build}/stream_peer {args}",
        "not a runtime: one way of a TCP connection",
        ops=("allreduce",),
        links=True,
    ),
    Peer(
        "floor",
        "{build}/floor_peer --np {np} {args}",
        "not a runtime: shared memory, spinning, calibrated stores",
        ops=("allreduce", "step"),
    ),
    Peer(
        "floor-arena",
        "{build}/floor_peer --np {np} --arena 1 {args}",
        "the same with the tensors already in shared memory",
        ops=("allreduce",),
    ),
    _openmpi("openmpi", "as installed"),
    _openmpi("openmpi-tuned", "temporaries kept mapped", env=KEEP_MEMORY),
    _openmpi(
        "openmpi-shm",
        "the same, copies through shared memory instead of CMA",
        "--mca btl_vader_single_copy_mechanism none ",
        env=KEEP_MEMORY,
        ops=("allreduce",),
    ),
    _mpich("mpich", "as installed"),
    _mpich("mpich-tuned", "temporaries kept mapped", env=KEEP_MEMORY),
    # Gloo and torch have a second thread per rank and are slower when bound to one CPU, so they
    # are not; the other peers bind themselves.
    Peer("gloo", "{build}/gloo_peer {args}", "gloo::allreduce, ring, TCP"),
    Peer("torch", PYTHON + " {src}/torch_peer.py {args}", "torch.distributed, gloo backend"),
]
QUICK = [
    "hvd-engine",
    "hvd-api",
    "hvd-arena",
    "stream",
    "floor",
    "floor-arena",
    "openmpi",
    "openmpi-tuned",
    "mpich-tuned",
    "gloo",
    "torch",
]

_FLAGS = ["-std=c++20", "-O3", "-march=native", "-Wall", "-Wextra", "-pthread", f"-I{ROOT}"]
_PROGRAMS = [
    ("mpi_peer_openmpi", "mpicxx.openmpi", "mpi_peer.cc", []),
    ("mpi_peer_mpich", "mpicxx.mpich", "mpi_peer.cc", []),
    ("gloo_peer", "g++", "gloo_peer.cc", ["-lgloo"]),
    ("floor_peer", "g++", "floor_peer.cc", []),
    ("stream_peer", "g++", "stream_peer.cc", []),
    ("limits", "g++", "limits.cc", []),
]


def setup(say):
    """Installs the packages of the peers; needs root and Debian."""
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for words in (
        ["update", "-qq"],
        ["install", "-y", "-qq", "--no-install-recommends", *PACKAGES],
    ):
        say("apt-get " + " ".join(words))
        subprocess.run(["apt-get", *words], check=True, env=env, stdout=subprocess.DEVNULL)


def build_programs(source: Path, build: Path, say):
    """Compiles what is out of date; what lacks its compiler or library is left out."""
    build.mkdir(parents=True, exist_ok=True)
    for name, compiler, file, libraries in _PROGRAMS:
        target = build / name
        inputs = [source / file, *source.glob("*.h")]
        if target.exists() and target.stat().st_mtime > max(i.stat().st_mtime for i in inputs):
            continue
        if not shutil.which(compiler):
            say(f"not built: {name} ({compiler} is missing; --setup installs it)")
            continue
        say(f"building {name}")
        command = [compiler, *_FLAGS, str(source / file), "-o", str(target), *libraries]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            say(f"not built: {name}\n{done.stderr[-2000:]}")


def missing(peer, build: Path):
    """Why the peer cannot be started here; empty if it can."""
    words = [word.replace("{build}", str(build)) for word in peer.command.split()]
    programs = [words[0], *(w for w in words[1:] if w.startswith(str(build)))]
    for program in programs:
        if not shutil.which(program):
            return f"{program} is not there; --setup installs what is needed, ./dev build makes hvd"
    if words[0] == PYTHON:
        probe = subprocess.run([PYTHON, "-c", "import torch"], capture_output=True, check=False)
        if probe.returncode != 0:
            return f"{PYTHON} cannot import torch; HVD_BENCH_PYTHON names another"
    return ""


def versions():
    names = ["libopenmpi3", "libmpich12", "libucx0", "libgloo0", "python3-torch"]
    listed = subprocess.run(
        ["dpkg-query", "-W", "-f", "${Package} ${Version}\n", *names],
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    return listed.split("\n")[:-1]
