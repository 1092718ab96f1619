"""What the program writes is whole or not there, and lands in regular files of its own."""

import os

import pytest

from jare_tf import files

WRITERS = {"replace": lambda path: files.replace(path, "new"), "append": lambda path: files.append(path, b"new")}


@pytest.fixture(params=WRITERS)
def write(request):
    return WRITERS[request.param]


def test_a_file_is_replaced_and_added_to(tmp_path):
    path = str(tmp_path / "file.txt")
    files.replace(path, "one")
    files.append(path, b"two")
    assert (tmp_path / "file.txt").read_text() == "onetwo"
    files.replace(path, b"three")
    files.cut(path, 2)
    assert (tmp_path / "file.txt").read_text() == "th"
    assert os.listdir(tmp_path) == ["file.txt"]


def test_nothing_is_written_through_a_link(tmp_path, write):
    (tmp_path / "other").write_text("of others")
    (tmp_path / "link").symlink_to(tmp_path / "other")
    (tmp_path / "dangling").symlink_to(tmp_path / "nothing")
    for name in ("link", "dangling"):
        with pytest.raises(OSError, match=f"{name} is not a regular file"):
            write(str(tmp_path / name))
    assert (tmp_path / "other").read_text() == "of others"
    assert sorted(os.listdir(tmp_path)) == ["dangling", "link", "other"]


def test_devices_pipes_and_folders_stay(tmp_path, write):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    for path in ("/dev/null", "/dev/stdout", tmp_path / "pipe", tmp_path / "folder"):
        with pytest.raises(OSError, match="is not a regular file"):
            write(str(path))
    assert (tmp_path / "pipe").is_fifo()


def test_a_failure_leaves_what_was_there(tmp_path):
    path = tmp_path / "file"
    path.write_text("before")
    with pytest.raises(KeyboardInterrupt), files.fresh(str(path)):
        raise KeyboardInterrupt
    assert path.read_text() == "before"
    assert os.listdir(tmp_path) == ["file"]


def test_it_is_on_the_disk_before_it_has_its_name(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("before")
    synced = []
    monkeypatch.setattr(files, "sync", lambda path: synced.append((path, (tmp_path / "file").read_text())))
    files.replace(str(tmp_path / "file"), "after")
    (new, before), (folder, after) = synced
    assert (before, folder, after) == ("before", str(tmp_path), "after")
    assert os.path.dirname(new) == folder


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="not a regular file: .*pipe"):
        files.opened(str(tmp_path / "pipe"))


def test_what_a_link_leads_to_is_not_removed(tmp_path):
    (tmp_path / "mine" / "inside").mkdir(parents=True)
    (tmp_path / "others").mkdir()
    (tmp_path / "others" / "file").write_text("")
    for name in ("link", "mine/link", "mine/inside/link"):
        (tmp_path / name).symlink_to(tmp_path / "others")
    for name in ("link", "mine", "nothing"):
        files.remove(str(tmp_path / name))
    assert [path.name for path in tmp_path.iterdir()] == ["others"]
    assert (tmp_path / "others" / "file").exists()
