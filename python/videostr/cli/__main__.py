"""`python -m videostr.cli`."""

import sys

from videostr.cli import main

sys.exit(main())
