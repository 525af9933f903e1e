from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import replace

import pytest
from local import ports
from local.processes import MARK, Book, Spec, boot_id, start_time, stop, write

SLEEP = (sys.executable, "-c", "import time; time.sleep(600)")
DEAF = (
    sys.executable,
    "-c",
    "import signal, time; signal.signal(15, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)",
)


@pytest.fixture
def book(tmp_path):
    book = Book(tmp_path)
    yield book
    stop(book.everything())


@pytest.fixture
def stranger():
    """A process that is not ours."""
    with subprocess.Popen(SLEEP) as process:
        yield process
        process.kill()


def test_what_runs_is_left_alone(book):
    assert book.ensure(Spec("one", SLEEP))
    first = book.find("one")
    assert not book.ensure(Spec("one", SLEEP))
    assert first == book.find("one")


def test_what_died_is_started_again(book):
    book.ensure(Spec("one", SLEEP))
    first = book.find("one")
    stop([first])
    assert not first.alive
    assert book.ensure(Spec("one", SLEEP))
    assert book.find("one").alive
    assert first.pid != book.find("one").pid


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param(Spec("one", (*SLEEP, "x")), id="argument"),
        pytest.param(Spec("one", SLEEP, {"A": "b"}), id="environment"),
        pytest.param(Spec("one", SLEEP, needs=("https://127.0.0.1:1",)), id="need"),
    ],
)
def test_what_would_be_started_otherwise_is_restarted(book, changed):
    book.ensure(Spec("one", SLEEP))
    first = book.find("one")
    assert book.ensure(changed)
    assert not first.alive
    assert book.find("one").alive


def test_a_reused_pid_is_nobody_we_know(book, stranger):
    """Same pid, another start time: the record is stale and the stranger lives on."""
    book.ensure(Spec("one", SLEEP))
    # Two processes of one moment have the same start time, so it is not left to chance.
    stale = replace(book.find("one"), pid=stranger.pid, start=1)
    assert not stale.alive
    stop([stale])
    assert stranger.poll() is None


def test_a_record_of_before_a_reboot_is_stale(book, stranger):
    """After a reboot even pid and start time may coincide."""
    book.ensure(Spec("one", SLEEP))
    same = replace(book.find("one"), pid=stranger.pid, start=start_time(stranger.pid))
    assert same.alive
    stale = replace(same, boot="another")
    assert not stale.alive
    stop([stale])
    assert stranger.poll() is None


def test_a_process_whose_record_was_never_written_is_found(book):
    """Its starter was killed between the start and the record."""
    book.ensure(Spec("one", SLEEP))
    lost = book.find("one")
    (book.folder / "processes" / "one.json").unlink()
    assert [lost.pid] == [r.pid for r in book.everything()]
    assert book.ensure(Spec("one", SLEEP))
    assert not lost.alive


def test_another_folders_process_is_not_ours(book, tmp_path_factory):
    """Also when its folder's path begins like ours."""
    other = Book(tmp_path_factory.mktemp("other"))
    longer = Book(book.folder.with_name(book.folder.name + "-2"))
    for each in (other, longer):
        each.ensure(Spec("one", SLEEP))
    try:
        assert book.everything() == []
    finally:
        stop([*other.everything(), *longer.everything()])


def test_a_process_that_ignores_the_request_to_end_is_killed(book):
    book.ensure(Spec("deaf", DEAF))
    record = book.find("deaf")
    with book.log("deaf").open() as log:
        while "deaf" not in log.read():
            os.sched_yield()
    stop([record], grace=0.2)
    assert not record.alive


def test_a_zombie_is_dead(book):
    book.ensure(Spec("one", (sys.executable, "-c", "pass")))
    pid = book.find("one").pid
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    assert start_time(pid) is None


def test_an_unreadable_record_is_no_record(book):
    write(book.folder / "processes" / "one.json", "{")
    assert book.find("one") is None
    assert book.records() == []


def test_the_process_sees_little_of_our_environment(book, monkeypatch):
    monkeypatch.setenv("KUBECONFIG", "/a/stranger's")
    seen = book.environment(Spec("one", SLEEP, {"A": "b"}))
    assert "KUBECONFIG" not in seen
    assert seen["A"] == "b"
    assert seen[MARK] == f"{book.folder}:one"


def test_output_goes_to_the_log_and_is_kept_over_restarts(book):
    for word in ("first", "second"):
        book.ensure(Spec("one", (sys.executable, "-c", f"print({word!r})")))
        os.waitid(os.P_PID, book.find("one").pid, os.WEXITED | os.WNOWAIT)
    assert book.log("one").read_text() == "first\nsecond\n"


def test_a_daemon_survives_its_starter(tmp_path):
    """Also when that is killed: it is in a session of its own."""
    program = f"from local.processes import Book, Spec; import os, signal; from pathlib import Path; Book(Path({str(tmp_path)!r})).ensure(Spec('one', {SLEEP!r})); os.kill(os.getpid(), signal.SIGKILL)"
    done = subprocess.run([sys.executable, "-c", program], check=False)
    assert done.returncode == -signal.SIGKILL
    record = Book(tmp_path).find("one")
    assert record.alive
    stop([record])
    assert not record.alive


def test_a_file_is_written_whole_and_for_its_owner_only(tmp_path):
    write(tmp_path / "a" / "b.json", json.dumps({"boot": boot_id()}))
    assert [p.name for p in (tmp_path / "a").iterdir()] == ["b.json"]
    assert (tmp_path / "a" / "b.json").stat().st_mode & 0o777 == 0o600


def test_a_server_is_started_when_its_port_is_free(book):
    """Its predecessor's connections hold the port for a moment; a server that cannot listen ends at once."""
    held = socket.socket()
    held.bind(("127.0.0.1", 0))
    port = held.getsockname()[1]
    threading.Timer(0.3, held.close).start()
    listens = f"import socket, time; s = socket.create_server(('127.0.0.1', {port})); time.sleep(60)"
    book.ensure(Spec("one", (sys.executable, "-c", listens), port=port))
    end = time.monotonic() + 10
    while not ports.answers(port):
        assert time.monotonic() < end
        time.sleep(0.05)
