"""python -m workers.training RUN_FOLDER: does the run in that folder. See control.py for the keeper's side.

Several processes (`accelerate launch --num_processes 2 -m workers.training RUN_FOLDER`) share a run: ranks.py.
"""

import sys
from pathlib import Path

from app.trainings.run import Failure
from workers.training import ranks
from workers.training.child import main

if __name__ == "__main__":
    ended = main(Path(sys.argv[1]))
    if ranks.world() > 1 and isinstance(ended, Failure):
        sys.exit(1)  # the launcher ends the others, which wait for this one
