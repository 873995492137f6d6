"""Two emulated hosts on a link of 10 Gbit/s, 16 and 64 MiB."""

import _link

_link.show(10000, 0.95)
