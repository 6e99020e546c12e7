"""`python -m pixelmend`, for where the `pixelmend` command is not on the path."""

from pixelmend_cli.entry import main

if __name__ == "__main__":
    main()
