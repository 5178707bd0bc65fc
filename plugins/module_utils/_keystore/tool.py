# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Calls of `elasticsearch-keystore`. Standard library only: this runs on the nodes. Private to this collection.

Secrets go over stdin only; process lists and shell histories are open books. Every call starts a JVM, so calls are
counted and kept few.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import hashlib
import os
import pwd
import re
import shutil
import subprocess
import typing as t

from .._node.files import Busy, cache_directory, locked, others_who_can_change
from .errors import PROMPT, Ended, KeystoreError, KeystoreMissing, SettingAbsent, explain, wrong_owner

TOOL = "elasticsearch-keystore"
KEYSTORE_FILE = "elasticsearch.keystore"
_PACKAGE_BIN = "/usr/share/elasticsearch/bin"
PACKAGE_CONFIG = "/etc/elasticsearch"
_NAME = re.compile(r"[A-Za-z0-9_\-.]+")

# A call takes seconds (a JVM, and 210 000 rounds of key derivation); one that takes this long waits for something.
PARALLEL_CALLS = 4  # each is a JVM
CALL_TIMEOUT = 300

# What the start script says about variables that it does not use comes before the answer, on the same stream, and the
# last of them turns the answer into a line of a log. They can also be set where a script of the user's runs the tool.
_NOISE = ("JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS", "JAVA_OPTS", "ES_CLI_JSON")
_NOTICES = re.compile(rf"\A(?:warning: ignoring (?:{'|'.join(_NOISE)})=.*\n)+")

# Beside the keystore, while it is written; one that a killed writer left behind fails the next write, and only that.
_LEFT_OVER = re.compile(rf"(?:FileAlreadyExists|NoSuchFile)Exception: \S*{re.escape(KEYSTORE_FILE)}\.tmp")

Answer = t.Tuple[int, str, str]
Runner = t.Callable[[t.Sequence[str], str, t.Mapping[str, str]], Answer]


def name_problem(name: str) -> t.Optional[str]:
    """Why this cannot be the name of a setting in a keystore, or None."""
    if not name:
        return "the name of the setting is empty"
    if not _NAME.fullmatch(name):
        return f"[{name}] is not the name of a setting: use letters, digits, [.], [-] and [_] only"
    return None


def line_problem(what: str, value: str) -> t.Optional[str]:
    """Why this cannot be handed to the tool, which reads one line per answer, or None."""
    if re.search(r"[\r\n\0]", value):
        return f"{what} contains a line break, which the keystore tool cannot take over standard input"
    return None


def writing(names: t.Collection[str]) -> str:
    """What a write attempts."""
    return f"write {_settings(names)} to the node's keystore"


def removing(names: t.Collection[str]) -> str:
    """What a removal attempts."""
    return f"remove {_settings(names)} from the node's keystore"


def _settings(names: t.Collection[str]) -> str:
    return ("the setting " if len(names) == 1 else "the settings ") + ", ".join(f"[{name}]" for name in names)


def find_tool(executable: t.Optional[str], environ: t.Mapping[str, str]) -> str:
    """Path of the tool."""
    if executable:
        found = shutil.which(executable, path=environ.get("PATH"))
        if found:
            return found
        exists = os.path.exists(executable)
        problem = "is not an executable file for this user" if exists else "does not exist on this host"
        raise KeystoreError(f"The keystore tool [{executable}] {problem}. Correct [executable].")
    places = environ.get("PATH", os.defpath).split(os.pathsep)
    if environ.get("ES_HOME"):
        places.append(os.path.join(environ["ES_HOME"], "bin"))
    places.append(_PACKAGE_BIN)
    found = shutil.which(TOOL, path=os.pathsep.join(places))
    if found:
        return found
    raise KeystoreError(
        f"{TOOL} was not found on this host (looked in PATH, $ES_HOME/bin and {_PACKAGE_BIN})."
        " Set [executable] to its path, or run the task on a host that runs an Elasticsearch node."
    )


def check_program(path: str) -> None:
    """Fail where running this as root would make somebody else root: the tool, its libraries, its Java."""
    home = os.path.dirname(os.path.dirname(os.path.realpath(path)))
    for name in (path, *(os.path.join(home, part) for part in ("lib", "modules", "jdk"))):
        who = others_who_can_change(name) if os.path.exists(name) else None
        if who:
            owner = owner_of(os.path.realpath(path))
            become = f"'become_user: {owner}'" if owner not in (None, "root") else "the user of Elasticsearch"
            raise KeystoreError(
                f"Nothing was run: [{path}] may be changed by {who}, and running it as root would make that one root. "
                f"Run the task as {become}, or give all of it to root."
            )


def owner_of(path: str) -> t.Optional[str]:
    """Name (or number) of the user who owns the file, None when it cannot be seen."""
    try:
        uid = os.stat(path).st_uid
    except OSError:
        return None
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


class KeystoreTool:
    """The tool of one installation, for the keystore of one configuration directory."""

    def __init__(
        self,
        executable: t.Optional[str] = None,
        config_dir: t.Optional[str] = None,
        password: t.Optional[str] = None,
        *,
        environ: t.Optional[t.Mapping[str, str]] = None,
        run: t.Optional[Runner] = None,
    ) -> None:
        self._environ = dict(os.environ if environ is None else environ)
        self.path = find_tool(executable, self._environ)
        if os.geteuid() == 0:
            check_program(self.path)
            self.path = os.path.realpath(self.path)  # what was looked at, and not what a link leads to by then
        self.config_dir = config_dir or self._environ.get("ES_PATH_CONF")
        self._password = password or None
        self._run = run or _run
        self.calls = 0
        #: Whether the keystore asks for a password; known after the first call that opened it.
        self.protected: t.Optional[bool] = None
        problem = line_problem("The keystore password", password or "")
        if problem:
            raise KeystoreError(f"{problem}.")

    def show(self, name: str) -> t.Optional[str]:
        """The value of a setting, None when the keystore does not hold it."""
        try:
            value = self._call(f"read the setting [{name}] in the node's keystore", ["show", name])
        except SettingAbsent:
            return None
        # No value given over stdin can hold a line break.
        return re.sub(r"\r?\n\Z", "", _NOTICES.sub("", value, count=1))

    def show_all(self, names: t.Iterable[str]) -> t.Dict[str, t.Optional[str]]:
        """The values of several settings."""
        wanted = sorted(set(names))
        with concurrent.futures.ThreadPoolExecutor(PARALLEL_CALLS) as pool:
            return dict(zip(wanted, pool.map(self.show, wanted)))

    def list(self) -> t.List[str]:
        """Names of all settings."""
        out = self._call("list the settings in the node's keystore", ["list"])
        # Whatever is not a name is a notice of the start script.
        return sorted(line for line in out.splitlines() if _NAME.fullmatch(line))

    def add(self, values: t.Mapping[str, str]) -> None:
        """Set values, replacing older ones."""
        # Without --force the tool would ask before it overwrites, take the secret for the answer, and print it. With
        # --stdin it would store nothing in a protected keystore, up to 8.18.0 and in 9.0.0, and exit with 0.
        self._call(writing(values), ["add", "--force", *values], list(values.values()))

    def remove(self, names: t.Collection[str]) -> None:
        """Take settings out."""
        with contextlib.suppress(SettingAbsent):
            self._call(removing(names), ["remove", *names])

    @property
    def password_unused(self) -> bool:
        """A password was given for a keystore that has none."""
        return bool(self._password) and self.protected is False

    @property
    def file(self) -> t.Optional[str]:
        """Where the keystore file should be, as far as that can be told without asking the tool."""
        if self.config_dir:
            return os.path.join(self.config_dir, KEYSTORE_FILE)
        home = os.path.dirname(os.path.dirname(os.path.realpath(self.path)))
        for directory in (os.path.join(home, "config"), PACKAGE_CONFIG):
            if os.path.exists(os.path.join(directory, KEYSTORE_FILE)):
                return os.path.join(directory, KEYSTORE_FILE)
        return None

    def check_writable(self, names: t.Collection[str]) -> None:
        """Fail as a write would, so that check mode tells the truth about owner and permissions."""
        path = self.file
        if not path or not os.path.exists(path):
            return
        attempt = writing(names)
        if os.stat(path).st_uid != os.geteuid():
            raise wrong_owner(attempt, path, owner_of(path))
        if not os.access(os.path.dirname(path), os.W_OK):
            text = f"unable to create temporary keystore at [{path}.tmp]"
            raise explain(attempt, Ended(self.path, 78, text))

    def check_node(self, missing: KeystoreMissing) -> str:
        """Fail unless the tool looked for the keystore where a node is configured; the directory."""
        path = missing.path or self.file
        directory = os.path.dirname(path) if path else ""
        if not os.path.isfile(os.path.join(directory, "elasticsearch.yml")):
            # Most likely the wrong directory: a keystore there would be read by no node.
            raise missing
        return directory

    def check_creatable(self, missing: KeystoreMissing) -> None:
        """Fail unless a keystore may be made where the tool looked for one."""
        directory = self.check_node(missing)
        if self._password:
            path = os.path.join(directory, KEYSTORE_FILE)
            raise KeystoreError(
                f"There is no keystore at [{path}], and this module does not make protected ones."
                " Run 'elasticsearch-keystore create -p' on the node first."
            )
        if os.geteuid() == 0 and os.stat(directory).st_uid != 0:
            raise wrong_owner("create the node's keystore", directory, owner_of(directory))

    @contextlib.contextmanager
    def exclusive(self) -> t.Iterator[None]:
        """Keep other runs of this collection out: the tool reads, changes and replaces the file without a lock."""
        which = "\0".join((os.path.realpath(self.path), self.config_dir or "")).encode("utf-8", "surrogateescape")
        name = f"keystore-{hashlib.sha256(which).hexdigest()[:16]}.lock"
        path = os.path.join(cache_directory(self._environ), name)
        try:
            with locked(path, CALL_TIMEOUT):
                yield
        except Busy:
            raise KeystoreError(
                f"Nothing was written: another run has been at work on this keystore for {CALL_TIMEOUT} seconds (it "
                f"holds [{path}]). See what it waits for, and run again."
            ) from None

    def _call(self, attempt: str, arguments: t.Sequence[str], values: t.Sequence[str] = ()) -> str:
        lines = list(values)
        # An unprotected keystore asks for no password: `add` would take the first line, the password, as the value.
        if self._password and (not values or self._asks_for_password()):
            lines.insert(0, self._password)
        stdin = "".join(line + "\n" for line in lines)
        rc, out, err = self._execute(attempt, arguments, stdin)
        if rc != 0 and _LEFT_OVER.search(err):
            rc, out, err = self._execute(attempt, arguments, stdin)
        if PROMPT in err:
            self.protected = True
        elif rc == 0 or "does not exist in the keystore" in err:
            self.protected = False
        if rc == 0:
            return out
        said = err + "\n" + out if arguments[0] != "show" else err
        ended = Ended(self.path, rc, said, password_given=bool(self._password))
        raise explain(attempt, ended, [*values, self._password], owner_of)

    def _asks_for_password(self) -> bool:
        if self.protected:
            return True
        # Either nothing was read before, or no prompt was seen: writing the password as a value would be worse than
        # one more call.
        attempt = "ask whether the node's keystore is protected"
        rc, _out, _err = self._execute(attempt, ["has-passwd", "--silent"], "")
        self.protected = rc == 0
        return self.protected

    def _execute(self, attempt: str, arguments: t.Sequence[str], stdin: str) -> Answer:
        self.calls += 1
        try:
            return self._run([self.path, *arguments], stdin, self._child_environ())
        except subprocess.TimeoutExpired:
            problem = f"[{self.path}] did not end within {CALL_TIMEOUT} seconds"
        except OSError as e:
            problem = f"[{self.path}] cannot be started ({e.strerror})"
        raise KeystoreError(f"Cannot {attempt}: {problem}. Run it by hand as the same user to see why.")

    def _child_environ(self) -> t.Dict[str, str]:
        environ = dict(self._environ)
        for name in _NOISE:
            environ.pop(name, None)
        environ.update(LC_ALL="C.UTF-8", LANG="C.UTF-8", LANGUAGE="C")
        if self.config_dir:
            environ["ES_PATH_CONF"] = self.config_dir
        return environ


def _run(command: t.Sequence[str], stdin: str, environ: t.Mapping[str, str]) -> Answer:
    # AnsibleModule.run_command has no timeout, and several calls run at once here; a session of its own takes away the
    # terminal, where the tool would otherwise wait for someone to type.
    with subprocess.Popen(  # pylint: disable=ansible-bad-function
        list(command),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=dict(environ),
        start_new_session=True,
    ) as process:
        try:
            out, err = process.communicate(stdin.encode("utf-8", "surrogateescape"), timeout=CALL_TIMEOUT)
        except BaseException:
            process.kill()
            raise
    return process.returncode, _text(out), _text(err)


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")
