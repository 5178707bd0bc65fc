# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`elasticsearch-keystore` as a command: prompts, streams and exit codes of the real tool (rules 6.3).

Started by the script that `keystore_install` lays into a node's home; imports little, so that it starts quickly.
"""

from __future__ import annotations

import os
import sys
import time

try:
    from .. import versions
    from . import keystore_file as ks
except ImportError:  # run as a plain script from a node's home
    import keystore_file as ks  # type: ignore[no-redef]
    import versions  # type: ignore[no-redef]

OK, USAGE, DATA_ERROR, SOFTWARE, IO_ERROR, CONFIG = 0, 64, 65, 70, 74, 78
SHOW_SINCE = (7, 16)
EOF_TEXT = "unable to read from standard input; is standard input open and a tty attached?"

COMMANDS = {
    "create": "Creates a new elasticsearch keystore",
    "list": "List entries in the keystore",
    "show": "Show a value from the keystore",
    "add": "Add string settings to the keystore",
    "add-file": "Add a file setting to the keystore",
    "remove": "Remove settings from the keystore",
    "upgrade": "Upgrade the keystore format",
    "passwd": "Changes the password of a keystore",
    "has-passwd": "Succeeds if the keystore exists and is password-protected, fails with exit code 1 otherwise",
}
COMMON_OPTIONS = {
    "-h": "help",
    "--help": "help",
    "-s": "silent",
    "--silent": "silent",
    "-v": "verbose",
    "--verbose": "verbose",
    "-E": "setting",
}
OPTIONS = {
    "create": {"-p": "password"},
    "add": {"-x": "stdin", "--stdin": "stdin", "-f": "force", "--force": "force"},
    "add-file": {"-f": "force", "--force": "force"},
}


class Usage(Exception):
    """Options the parser refuses."""


class Uncaught(Exception):
    """A Java exception nobody catches: class name and message."""

    def __init__(self, text: str, code: int = SOFTWARE) -> None:
        super().__init__(text)
        self.code = code


class Terminal:
    """Without a console every line, secrets included, comes from stdin and every prompt goes to stderr."""

    def __init__(self, json: bool = False) -> None:
        self.console = sys.stdin is not None and sys.stdin.isatty() and sys.stdout.isatty()
        self.silent = False
        self.verbose = False
        self.json = json
        self.first_reader = ""  # of stdin; its buffer takes all there is

    def out(self, text: str, end: str = "\n", always: bool = False) -> None:
        if always or not self.silent:
            sys.stdout.write(self._logged("INFO", "stdout", text) if self.json else text + end)

    def error(self, text: str, always: bool = False) -> None:
        if always or not self.silent:
            lines = text.split("\n") if self.json else []
            sys.stderr.write("".join(self._logged("WARN", "stderr", line) for line in lines) or text + "\n")
            sys.stderr.flush()

    @staticmethod
    def _logged(level: str, stream: str, text: str) -> str:
        import json

        stamp = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime())
        names = {"log.logger": stream, "service.name": "ES_ECS", "ecs.version": "1.2.0", "message": text}
        return json.dumps({"@timestamp": stamp, "log.level": level, **names}, separators=(",", ":")) + "\n"

    def _line(self, prompt: str, echo: bool) -> str | None:
        stream = sys.stdout if self.console else sys.stderr
        if not self.silent:
            stream.write(prompt)
            stream.flush()
        if self.console and not echo:
            import termios

            old = termios.tcgetattr(0)
            new = termios.tcgetattr(0)
            new[3] &= ~termios.ECHO
            termios.tcsetattr(0, termios.TCSADRAIN, new)
            try:
                line = sys.stdin.buffer.readline()
            finally:
                termios.tcsetattr(0, termios.TCSADRAIN, old)
            stream.write("\n")
        else:
            line = sys.stdin.buffer.readline() if sys.stdin is not None and self._reads("terminal") else b""
        if not line:
            if self.console:
                return None
            raise Uncaught(f"java.lang.IllegalStateException: {EOF_TEXT}")
        return line.decode("utf-8", "replace").rstrip("\r\n")

    def secret(self, prompt: str) -> str:
        return self._line(prompt, echo=False) or ""

    def beside(self) -> str:
        """What a second reader of stdin, with a buffer of its own, finds up to a line end."""
        found = b""
        while self._reads("beside") and (byte := sys.stdin.buffer.read(1)) not in (b"", b"\r", b"\n"):
            found += byte
        return found.decode("utf-8", "replace")

    def _reads(self, reader: str) -> bool:
        self.first_reader = self.first_reader or reader
        return self.first_reader == reader

    def yes(self, prompt: str) -> bool:
        while True:
            answer = self._line(prompt + " [y/N]", echo=True)
            if not answer:
                return False
            answer = answer.lower()
            if answer in ("y", "n"):
                return answer == "y"
            self.error(
                f"Did not understand answer '{answer}'"
            )  # yes, whatever was typed: the server's tool leaks it too


class Tool:
    def __init__(self, version: versions.Version, config_dir: str, cache: ks.KdfCache, terminal: Terminal) -> None:
        self.version = version
        self.config_dir = config_dir
        self.cache = cache
        self.terminal = terminal
        self.path = os.path.join(config_dir, ks.FILE_NAME)
        self.format = ks.format_for(version)
        self.password = ""

    # --- opening ---
    def open(self, force: bool = False, must_exist: bool = True) -> ks.Keystore | None:
        keystore = self.load()
        if keystore is None:
            if must_exist:
                raise ks.KeystoreUserError(
                    DATA_ERROR,
                    f"Elasticsearch keystore not found at [{self.path}]. Use 'create' command to create one.",
                )
            if not force and not self.terminal.yes(
                "The elasticsearch keystore does not exist. Do you want to create it?"
            ):
                self.terminal.out("Exiting without creating keystore.")
                return None
            keystore = ks.Keystore.create(self.format, self.cache)
            self.save(keystore)
            return keystore
        if keystore.has_password:
            self.password = self.terminal.secret("Enter password for the elasticsearch keystore : ")
        try:
            keystore.decrypt(self.password)
        except ks.KeystoreSecurityError as error:
            raise ks.KeystoreUserError(DATA_ERROR, str(error)) from error
        return keystore

    def load(self) -> ks.Keystore | None:
        try:
            return ks.Keystore.load(self.config_dir, self.format, self.cache)
        except ks.KeystoreFormatError as error:
            code = SOFTWARE if "IllegalState" in error.java else IO_ERROR
            raise Uncaught(f"{error.java}: {error}", code) from error
        except ks.KeystoreSecurityError as error:
            raise ks.KeystoreUserError(DATA_ERROR, str(error)) from error
        except OSError as error:
            raise Uncaught(f"java.nio.file.AccessDeniedException: {self.path}", IO_ERROR) from error

    def save(self, keystore: ks.Keystore) -> None:
        keystore.format = self.format
        try:
            keystore.save(self.config_dir, self.password)
        except (FileExistsError, FileNotFoundError) as error:
            kind = "FileAlreadyExists" if isinstance(error, FileExistsError) else "NoSuchFile"
            raise Uncaught(f"java.nio.file.{kind}Exception: {self.path}.tmp", IO_ERROR) from error

    def new_password(self) -> str:
        first = self.terminal.secret("Enter new password for the elasticsearch keystore (empty for no password): ")
        second = self.terminal.secret("Enter same password again: ")
        if second != first:
            # yes, both of them
            raise ks.KeystoreUserError(DATA_ERROR, f"Passwords are not equal, exiting.: {first}, {second}")
        return first

    # --- commands ---
    def create(self, flags: set[str], names: list[str]) -> int:
        if "password" in flags:
            self.password = self.new_password()
        if os.path.exists(self.path) and not self.terminal.yes("An elasticsearch keystore already exists. Overwrite?"):
            self.terminal.out("Exiting without creating keystore.")
            return OK
        self.save(ks.Keystore.create(self.format, self.cache))
        self.terminal.out(f"Created elasticsearch keystore in {self.path}")
        return OK

    def list(self, flags: set[str], names: list[str]) -> int:
        keystore = self.open()
        for name in sorted(keystore.entries):
            self.terminal.out(name)
        return OK

    def show(self, flags: set[str], names: list[str]) -> int:
        keystore = self.open()
        if len(names) != 1:
            raise ks.KeystoreUserError(USAGE, "Must provide a single setting name to show")
        if names[0] not in keystore.entries:
            raise ks.KeystoreUserError(CONFIG, f"Setting [{names[0]}] does not exist in the keystore.")
        value = keystore.entries[names[0]].decode("utf-8", "replace")
        self.terminal.out(value, end="\n" if self.terminal.console else "", always=True)
        return OK

    def add(self, flags: set[str], names: list[str]) -> int:
        keystore = self.open(force="force" in flags, must_exist=False)
        if keystore is None:
            return OK
        if not names:
            raise ks.KeystoreUserError(USAGE, "the setting names can not be empty")
        for name in names:
            if (
                name in keystore.entries
                and "force" not in flags
                and not self.terminal.yes(f"Setting {name} already exists. Overwrite?")
            ):
                self.terminal.out("Exiting without modifying keystore.")
                return OK
            if "stdin" not in flags:
                value = self.terminal.secret(f"Enter value for {name}: ")
            elif versions.has(self.version, "keystore_add_stdin"):
                value = self.terminal.secret("")
            else:
                value = self.terminal.beside()
            self.check_name(name)
            keystore.entries[name] = value.encode()
        self.save(keystore)
        return OK

    def add_file(self, flags: set[str], names: list[str]) -> int:
        keystore = self.open(force="force" in flags, must_exist=False)
        if keystore is None:
            return OK
        if not names:
            raise ks.KeystoreUserError(USAGE, "Missing setting name")
        if len(names) % 2:
            raise ks.KeystoreUserError(USAGE, "settings and filenames must come in pairs")
        for name, file in zip(names[::2], names[1::2]):
            if (
                name in keystore.entries
                and "force" not in flags
                and not self.terminal.yes(f"Setting {name} already exists. Overwrite?")
            ):
                self.terminal.out("Exiting without modifying keystore.")
                return OK
            if not os.path.exists(file):
                raise ks.KeystoreUserError(IO_ERROR, f"File [{file}] does not exist")
            self.check_name(name)
            with open(file, "rb") as stream:
                keystore.entries[name] = stream.read()
        self.save(keystore)
        return OK

    def remove(self, flags: set[str], names: list[str]) -> int:
        keystore = self.open()
        if not names:
            raise ks.KeystoreUserError(USAGE, "Must supply at least one setting to remove")
        for name in names:
            if name not in keystore.entries:
                raise ks.KeystoreUserError(CONFIG, f"Setting [{name}] does not exist in the keystore.")
            del keystore.entries[name]
        self.save(keystore)
        return OK

    def upgrade(self, flags: set[str], names: list[str]) -> int:
        keystore = self.open()
        if keystore.format != self.format or ks.SEED not in keystore.entries:
            keystore.add_seed()
            self.save(keystore)
        return OK

    def passwd(self, flags: set[str], names: list[str]) -> int:
        keystore = self.open()
        self.password = self.new_password()
        self.save(keystore)
        self.terminal.out("Elasticsearch keystore password changed successfully.")
        return OK

    def has_passwd(self, flags: set[str], names: list[str]) -> int:
        keystore = self.load()
        if keystore is None or not keystore.has_password:
            self.terminal.error(
                "ERROR: Elasticsearch keystore not found"
                if keystore is None
                else "ERROR: Keystore is not password-protected"
            )
            return 1
        self.terminal.out("Keystore is password-protected")
        return OK

    @staticmethod
    def check_name(name: str) -> None:
        if not ks.valid_name(name):
            raise ks.KeystoreUserError(
                DATA_ERROR, f"Setting name [{name}] does not match the allowed setting name pattern [{ks.NAME_PATTERN}]"
            )


def parse_options(command: str, arguments: list[str]) -> tuple[set[str], list[str]]:
    known = dict(COMMON_OPTIONS)
    known.update(OPTIONS.get(command, {}))
    flags: set[str] = set()
    names: list[str] = []
    rest = iter(arguments)
    for argument in rest:
        if argument == "--":
            names.extend(rest)
        elif argument.startswith("-E"):
            if argument == "-E":
                next(rest, None)
        elif argument.startswith("--"):
            if argument not in known:
                raise Usage(f"{argument[2:]} is not a recognized option")
            flags.add(known[argument])
        elif argument.startswith("-") and len(argument) > 1:
            for letter in argument[1:]:
                if "-" + letter not in known:
                    raise Usage(f"{letter} is not a recognized option")
                flags.add(known["-" + letter])
        else:
            names.append(argument)
    return flags, names


def help_text(command: str | None, commands: dict[str, str]) -> str:
    """What `--help` prints, and before the error, whatever the command, a call that is not understood."""
    known: dict[str, str] = dict(COMMON_OPTIONS)
    if command is None:
        lines = ["A tool for managing settings stored in the elasticsearch keystore", ""]
        lines += ["Non-option arguments:", "command              ", ""]
    else:
        lines = [commands[command], ""]
        if command in ("add", "remove", "show"):
            lines += ["Non-option arguments:", "setting names" if command == "add" else "setting", ""]
        known = {**OPTIONS.get(command, {}), **COMMON_OPTIONS}
    lines += ["Option             Description", "------             -----------"]
    return "\n".join([*lines, *(f"{name:<18} {meaning}" for name, meaning in known.items())])


def run(
    arguments: list[str], version: versions.Version, config_dir: str, cache: ks.KdfCache, log: str | None = None
) -> int:
    terminal = Terminal(json=os.environ.get("ES_CLI_JSON") == "true" and versions.has(version, "keystore_cli_json"))
    commands = {name: text for name, text in COMMANDS.items() if name != "show" or version >= SHOW_SINCE}
    command = next((argument for argument in arguments if not argument.startswith("-")), None)
    chosen = command if command in commands else None
    code, message = OK, None
    names: list[str] = []
    try:
        if chosen is None:
            if arguments and arguments[0] in ("-h", "--help"):
                terminal.out(help_text(None, commands))
                return OK
            terminal.error(help_text(None, commands))
            code, message = USAGE, "Missing required command" if command is None else f"Unknown command [{command}]"
        else:
            rest = list(arguments)
            rest.remove(chosen)
            flags, names = parse_options(chosen, rest)
            terminal.silent, terminal.verbose = "silent" in flags, "verbose" in flags
            if "help" in flags:
                terminal.out(help_text(chosen, commands))
                return OK
            tool = Tool(version, config_dir, cache, terminal)
            code = getattr(tool, chosen.replace("-", "_"))(flags, names)
    except Usage as error:
        terminal.error(help_text(None, commands))
        terminal.error(f"ERROR: {error}", always=True)  # the option parser's errors carry no exit code text
        code = USAGE
    except ks.KeystoreUserError as error:
        code, message = error.code, str(error)
        if code == USAGE:
            terminal.error(help_text(None, commands))
        if chosen == "create" and code == CONFIG and "write permissions" not in message:
            code, message = IO_ERROR, "Error creating the elasticsearch keystore."
    except Uncaught as error:
        caught = versions.has(version, "keystore_uncaught_70")
        sys.stderr.write(
            ("" if caught else 'Exception in thread "main" ')
            + f"{error}\n"
            + "\tat org.elasticsearch.cli.Terminal.read(Terminal.java:94)\n"
            + "\tat org.elasticsearch.cli.Command.main(Command.java:50)\n"
            + "\tat org.elasticsearch.launcher.CliToolLauncher.main(CliToolLauncher.java:64)\n"
        )
        code = error.code if caught else 1
    finally:
        if log is not None:
            _log_call(log, chosen, names)
    if message is not None:
        terminal.error(f"\nERROR: {message}, with exit code {code}", always=True)
    sys.stdout.flush()
    return code


def _log_call(path: str, command: str | None, names: list[str]) -> None:
    """One line per call: command and setting names, never a value."""
    try:
        with open(path, "a", encoding="utf-8") as stream:
            stream.write(" ".join([command or "-", *names]) + "\n")
    except OSError:
        pass  # another user runs the tool, who may not write the log


def notices(version: versions.Version) -> None:
    """What the start script says about variables that it does not use: in front of the answer, not on stderr."""
    more = versions.has(version, "keystore_notes_more")
    hint = "; pass JVM parameters via ES_JAVA_OPTS"
    for name, text in (
        ("JAVA_TOOL_OPTIONS", hint if more else ""),
        ("_JAVA_OPTIONS", hint if more else None),
        ("JAVA_OPTS", hint),
    ):
        if os.environ.get(name) and text is not None:
            sys.stdout.write(f"warning: ignoring {name}={os.environ[name]}{text}\n")
    if os.environ.get("JAVA_HOME"):
        sys.stderr.write(f"warning: ignoring JAVA_HOME={os.environ['JAVA_HOME']}; using bundled JDK\n")


def main(home: str) -> int:
    """The script's way in: everything about the node comes from its home, nothing from the working directory."""
    library = os.path.join(home, "lib")
    with open(os.path.join(library, "version"), encoding="ascii") as stream:
        major, minor, patch = (int(part) for part in stream.read().split("."))
    version = (major, minor, patch)
    notices(version)
    delay = os.environ.get("ES_SIMULATOR_JVM_DELAY")
    if delay is None:
        try:
            with open(os.path.join(library, "jvm_delay"), encoding="ascii") as stream:
                delay = stream.read()
        except OSError:
            delay = "0"
    if float(delay or 0) > 0:
        time.sleep(float(delay))
    config_dir = os.environ.get("ES_PATH_CONF") or os.path.join(home, "config")
    cache = ks.KdfCache.read(os.path.join(library, "kdf"))
    return run(sys.argv[1:], version, config_dir, cache, os.path.join(home, "logs", "elasticsearch-keystore.calls"))
