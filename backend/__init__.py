"""The persistent process that owns the device: EditGAN itself and everything around it."""

import os

# Waiting OpenMP threads shall sleep, not spin: on a busy machine, spinning made work 20 times
# slower. torch's runtime reads this when it is first imported, hence here.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
