"""How a command ends when it does not succeed: a message on stderr and an exit code."""

from typing import ClassVar

import click

EXIT_INTERRUPTED = 130

EXIT_CODES = """\
Exit codes:
  0    done
  1    a call was refused, a job failed, or a check failed
  2    wrong usage or settings
  3    the server cannot be reached
  4    the result is not ready yet
  130  interrupted"""


class Failure(click.ClickException):
    """A call was refused, a job failed, or a check failed."""

    exit_code: ClassVar[int] = 1


class SettingsFailure(Failure):
    """Somebody has to change a setting or an argument first."""

    exit_code: ClassVar[int] = 2


class UnreachableFailure(Failure):
    """Nobody answers, or not in time; later it may go well."""

    exit_code: ClassVar[int] = 3


class NotReadyFailure(Failure):
    """The job has not ended yet."""

    exit_code: ClassVar[int] = 4
