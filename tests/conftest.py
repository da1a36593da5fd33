"""Settings for all tests."""

import os

# As the command line does: short spins, since tests may run beside other work.
os.environ.setdefault("GOMP_SPINCOUNT", "100")
