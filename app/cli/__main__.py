"""`python -m app.cli`: the same as `corpusmith`."""

from app.cli import main

main()
