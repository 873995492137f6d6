"""Two emulated hosts on a link of 1 Gbit/s, 16 and 64 MiB."""

import _link

_link.show(1000, 0.98)
