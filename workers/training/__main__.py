"""python -m workers.training RUN_FOLDER: does the run in that folder. See control.py for the keeper's side."""

import sys
from pathlib import Path

from workers.training.child import main

if __name__ == "__main__":
    main(Path(sys.argv[1]))
