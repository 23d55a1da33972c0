"""The persistent process that owns the device: EditGAN itself and everything around it."""

import os

# OpenMP threads that wait shall spin for some microseconds, then sleep: spinning for long makes a
# busy machine 20 times slower, sleeping at once makes an idle one 1.7 times slower. torch's
# runtime reads this when it is first imported, hence here.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("GOMP_SPINCOUNT", "20000")
