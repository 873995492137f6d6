"""Two emulated hosts: network namespaces joined by a veth pair, shaped by tbf at both ends.

Needs root and iproute2. A rate of 0 leaves the link unshaped.
"""

import os
import subprocess
import time

INTERFACE = "lab0"
ADDRESSES = ("10.99.0.1", "10.99.0.2")


def _run(*words):
    subprocess.run(words, check=True)


class TwoHosts:
    def __init__(self, rate_mbit):
        self.rate_mbit = rate_mbit
        self.names = tuple(f"lab{os.getpid()}{end}" for end in "ab")

    def inside(self, host):
        """The command prefix that runs a program on a host."""
        return ["ip", "netns", "exec", self.names[host]]

    def __enter__(self):
        left, right = self.names
        try:
            for name in self.names:
                _run("ip", "netns", "add", name)
            _run(
                "ip",
                "link",
                "add",
                INTERFACE,
                "netns",
                left,
                "type",
                "veth",
                "peer",
                "name",
                INTERFACE,
                "netns",
                right,
            )
            for name, address in zip(self.names, ADDRESSES):
                _run("ip", "-n", name, "addr", "add", f"{address}/24", "dev", INTERFACE)
                for device in (INTERFACE, "lo"):
                    _run("ip", "-n", name, "link", "set", device, "up")
                if self.rate_mbit:
                    # A burst that a short transfer cannot use to outrun the rate by much.
                    burst = max(128 * 1024, int(self.rate_mbit * 50))
                    _run(
                        "tc",
                        "-n",
                        name,
                        "qdisc",
                        "add",
                        "dev",
                        INTERFACE,
                        "root",
                        "tbf",
                        "rate",
                        f"{self.rate_mbit:g}mbit",
                        "burst",
                        str(burst),
                        "latency",
                        "50ms",
                    )
            for name in self.names:  # the kernel tells of the carrier up to a second late
                for _ in range(30):
                    state = subprocess.run(
                        ["ip", "-n", name, "-br", "link", "show", INTERFACE],
                        check=True,
                        capture_output=True,
                        text=True,
                    ).stdout
                    if " UP " in state:
                        break
                    time.sleep(0.1)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for name in self.names:
            subprocess.run(["ip", "netns", "del", name], check=False, stderr=subprocess.DEVNULL)
