"""The persistent process that owns the device: EditGAN itself and everything around it."""

import os

# OpenMP threads that wait should spin for some microseconds, then sleep. A step takes up to twenty
# times as long where threads spin for long and another program uses a core, and 1.7 times as long
# on an idle machine where they sleep at once (benchmarks/busy_machine.py). torch's runtime reads
# this when it is first imported, hence here.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("GOMP_SPINCOUNT", "2000")
