"""The options of the commands about this program itself: its settings, its place in this Python, its help."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argparse import ArgumentParser


def for_config(parser: ArgumentParser) -> None:
    """Add what ``config`` takes."""
    parser.description = (
        "Show the settings that count: those of the configuration file and its profile, and what the environment says. "
        "Each comes with its origin; passwords are not shown."
    )
    parser.epilog = """\
examples:
  coda-network config
  coda-network config --profile work

exit codes:
  0  shown
  2  the configuration file cannot be used
"""
    parser.add_argument("--profile", metavar="NAME", help="the profile of the configuration file to use")


def _add_place(parser: ArgumentParser) -> None:
    place = parser.add_mutually_exclusive_group()
    place.add_argument("--user", action="store_true", help="in the site-packages of the user, not of this Python")
    place.add_argument("--prefix", metavar="DIR", help="in another environment: the folder that has its lib")
    parser.add_argument("-q", "--quiet", action="store_true", help="say nothing but errors")


def for_install(parser: ArgumentParser) -> None:
    """Add what ``install`` takes."""
    parser.description = (
        "Write a .pth file into site-packages: from then on each program of this Python is patched when it imports "
        "http.client or urllib.request. CODA_NETWORK=0 in the environment of a program turns it off."
    )
    parser.epilog = """\
examples:
  coda-network install
  coda-network install --prefix /opt/tool/venv

exit codes:
  0  it is installed
  1  the file cannot be written, or Python would not look there
"""
    _add_place(parser)


def for_uninstall(parser: ArgumentParser) -> None:
    """Add what ``uninstall`` takes."""
    parser.description = "Remove the .pth file that install has written."
    parser.epilog = """\
exit codes:
  0  it is not there any more
  1  it cannot be removed
"""
    _add_place(parser)


def for_status(parser: ArgumentParser) -> None:
    """Add what ``status`` takes."""
    parser.description = (
        "Show whether install was run for this Python, by which file, whether the environment turns it off, and "
        "whether the package can be imported."
    )
    parser.epilog = """\
exit codes:
  0  in any case
"""


def for_wheelhouse(parser: ArgumentParser) -> None:
    """Add what ``wheelhouse`` takes."""
    parser.description = (
        "Collect the wheels of this package and of all that it needs in a folder, for a machine that has no network, "
        "or none before this package is there: pip install --no-index --find-links DIR coda_network. pip does the "
        "work, with its own settings."
    )
    parser.epilog = """\
examples:
  coda-network wheelhouse wheels
  coda-network wheelhouse --extra socks --extra pac wheels
  coda-network wheelhouse --python-version 3.12 --platform win_amd64 wheels

exit codes:
  0  the folder is complete
  1  pip failed
"""
    parser.add_argument("folder", metavar="DIR", help="where the wheels go")
    parser.add_argument("--extra", metavar="NAME", action="append", default=[], help="with what this extra needs")
    parser.add_argument(
        "--source", metavar="PATH", help="the source or a wheel of this package; default: this version, from the index"
    )
    parser.add_argument("--python-version", metavar="X.Y", help="of the other machine; default: this Python's")
    parser.add_argument("--platform", metavar="TAG", action="append", help="of the other machine, as pip names it")
    parser.add_argument("--find-links", metavar="DIR", action="append", help="look for wheels there, too")
    parser.add_argument("--no-index", action="store_true", help="look there only")
    parser.add_argument("-q", "--quiet", action="store_true", help="say nothing but errors")


def for_completion(parser: ArgumentParser) -> None:
    """Add what ``completion`` takes."""
    parser.description = (
        "Print the lines that let a shell complete this command. They need argcomplete: "
        'pip install "coda_network[cli]".'
    )
    parser.epilog = """\
examples:
  eval "$(coda-network completion bash)"             in ~/.bashrc
  eval "$(coda-network completion zsh)"              in ~/.zshrc, behind compinit
  coda-network completion fish | source              in ~/.config/fish/config.fish

exit codes:
  0  printed
  1  argcomplete is not installed
"""
    parser.add_argument("shell", choices=("bash", "zsh", "fish"), metavar="SHELL", help="bash, zsh or fish")


def for_man(parser: ArgumentParser) -> None:
    """Add what ``man`` takes."""
    parser.description = "Print the manual page of a command, or write those of all into a folder."
    parser.epilog = """\
examples:
  coda-network man with | man -l -
  coda-network man --output ~/.local/share/man/man1

exit codes:
  0  printed, or written
  1  a file cannot be written
"""
    parser.add_argument("page", metavar="COMMAND", nargs="?", help="default: the whole program")
    parser.add_argument("-o", "--output", metavar="DIR", help="write the pages of all commands into this folder")


def for_demo(parser: ArgumentParser) -> None:
    """Add what ``demo`` takes."""
    parser.description = (
        "Start a TLS server and a proxy that wants a login, both on loopback, and download a file through them with "
        "plain urllib.request under the patch, step by step."
    )
    parser.epilog = """\
exit codes:
  0  every check passed
  1  one did not
"""
    parser.add_argument(
        "--scheme",
        choices=("ntlm", "digest", "basic"),
        default="ntlm",
        help="the login that the proxy demands (default: %(default)s)",
    )
