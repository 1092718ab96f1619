"""The command `jare_tf`, also `python -m jare_tf`."""

import sys

from jare_tf import command


def main() -> None:
    """Runs what the command line says."""
    command.start(sys.argv)
    from jare_tf.main import main as run  # here, because it imports TensorFlow

    run()


if __name__ == "__main__":
    main()
