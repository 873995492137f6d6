"""One rank of a script that never calls shutdown; ends after the seconds given for its rank."""

import sys
import time

import numpy as np

import hvd.numpy as hvd

hvd.init()
total = hvd.allreduce(np.ones(4), name="x", op=hvd.Sum)
assert total[0] == hvd.size()
time.sleep(float(sys.argv[1 + hvd.rank()]))
