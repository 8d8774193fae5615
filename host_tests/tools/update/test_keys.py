# SPDX-License-Identifier: MIT
"""The key that signs updates never uses a number twice: whatever ends a program, whatever copy of the file is there."""

import errno
import multiprocessing
import os
import shutil
import signal
import stat

import pytest
from pyhsslms import pyhsslms

from device.update import lms
from tools import cli, private
from tools.errors import UsageError
from tools.update import public
from tools.update.keys import SigningKey, _Record, public_path


@pytest.fixture(autouse=True)
def account(tmp_path, monkeypatch):
    """What this account knows of its keys, in a folder of the test."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state"


@pytest.fixture
def path(tmp_path):
    SigningKey.make(tmp_path / "updates.key", 32)
    return tmp_path / "updates.key"


def number(signature):
    """q of a signature of one level, RFC 8554 section 6.2: Nspk, then q."""
    assert signature[:4] == bytes(4)
    return int.from_bytes(signature[4:8], "big")


def right(key, octets, signature):
    return pyhsslms.HssPublicKey.deserialize(key.public).verify(octets, signature)


def test_it_signs_for_a_device(path):
    key = SigningKey.open(path)
    signature = key.sign(b"a manifest")
    for verify in (right, lambda key, octets, signature: lms.verify(key.public, octets, signature)):
        assert verify(key, b"a manifest", signature) and not verify(key, b"another", signature)
    # RFC 8554: L = 1, LMS_SHA256_M32_H5 is 5, LMOTS_SHA256_N32_W4 is 3
    assert key.public[:12].hex() == "000000010000000500000003" and len(key.public) == 60
    # 4 of levels, 4 of q, 4 of type, C and 67 hashes, 4 of type, 5 hashes
    assert len(signature) == 4 + 4 + 4 + 32 * 68 + 4 + 32 * 5


def test_each_number_once_until_none_is_left(path):
    key = SigningKey.open(path)
    used = []
    for left in range(31, -1, -1):
        used.append(number(SigningKey.open(path).sign(b"m")))
        assert SigningKey.open(path).left == left
    assert used == list(range(32))
    assert "0 signatures are left of 32" in SigningKey.open(path).remark
    for each in (key, SigningKey.open(path)):
        with pytest.raises(UsageError, match="no signature left"):
            each.sign(b"m")


def test_the_last_ones_warn(path):
    key = SigningKey.open(path)
    key.take(21)
    assert key.remark.startswith("11 signatures are left of 32")
    key.sign(b"m")
    assert key.remark.startswith("WARNING: 10 signatures are left of 32")


def test_files_are_its_owner_s_alone(path):
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    SigningKey.open(path).sign(b"m")
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    assert public.read(public_path(path)).octets == SigningKey.open(path).public
    assert public_path(path).read_text().count("\n") == 1


def test_a_file_that_others_could_read_is_mended_with_a_word(path, capsys):
    path.chmod(0o644)
    SigningKey.open(path)
    assert f"other accounts of this machine could read {path}: not any more" in capsys.readouterr().err
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600


@pytest.mark.parametrize("which", ["updates.key", "updates.key.pub"])
def test_no_key_is_replaced(tmp_path, path, which):
    kept = {each: each.read_bytes() for each in (path, public_path(path))}
    with pytest.raises(UsageError, match="already"):
        SigningKey.make(path, 32)
    for each in kept:
        if each.name != which:
            each.unlink()
    with pytest.raises(UsageError, match=which):
        SigningKey.make(path, 32)
    assert (tmp_path / which).read_bytes() == kept[tmp_path / which]


@pytest.mark.parametrize("which", ["updates.key", "updates.key.pub"])
def test_one_that_comes_there_meanwhile_is_not_replaced(tmp_path, monkeypatch, which):
    """A tree takes its time: another program makes a key of the same name, and is done first."""
    write = _Record.write

    def late(record, number):
        write(record, number)
        (tmp_path / which).write_text("of somebody else")

    monkeypatch.setattr(_Record, "write", late)
    with pytest.raises(UsageError, match=which):
        SigningKey.make(tmp_path / "updates.key", 32)
    assert [each.name for each in tmp_path.glob("*.key*")] == [which]
    assert (tmp_path / which).read_text() == "of somebody else"


def test_a_disk_that_is_full_leaves_no_half_of_a_key(tmp_path, monkeypatch):
    def full(path, octets):
        if path.name == "updates.key":
            raise OSError(errno.ENOSPC, "full", str(path))
        return stage(path, octets)

    stage = private.stage
    monkeypatch.setattr(private, "stage", full)
    with pytest.raises(UsageError, match="no key was made"):
        SigningKey.make(tmp_path / "updates.key", 32)
    assert list(tmp_path.glob("*.key*")) == []


@pytest.mark.parametrize("count", [0, -1, 32769])
def test_signatures_that_no_key_has(tmp_path, count):
    with pytest.raises(UsageError, match="1 to 32,768"):
        SigningKey.make(tmp_path / "k", count)


def test_a_number_between_is_the_next_one_that_there_is(tmp_path):
    assert SigningKey.make(tmp_path / "k", 5).total == 32


def test_keys_differ(tmp_path):
    one, other = (SigningKey.make(tmp_path / name, 1) for name in "ab")
    assert one.public[12:] != other.public[12:]
    assert not right(other, b"m", one.sign(b"m"))


# ---- programs that end in the middle, and many at once


def many(path, times, queue):
    key = SigningKey.open(path)
    for _ in range(times):
        queue.put(key.sign(b"m"))


def test_programs_that_sign_at_once(path):
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    programs = [context.Process(target=many, args=(path, 8, queue)) for _ in range(4)]
    for each in programs:
        each.start()
    signatures = [queue.get(timeout=60) for _ in range(32)]
    for each in programs:
        each.join()
    assert sorted(map(number, signatures)) == list(range(32))
    key = SigningKey.open(path)
    assert all(right(key, b"m", each) for each in signatures) and key.left == 0


def killed(path, step):
    """A program that SIGKILL ends at the n-th of: the key's file, the record, the signature itself."""
    kill, done = (lambda: os.kill(os.getpid(), signal.SIGKILL)), []
    stage, sign = private.stage, pyhsslms.LmotsPrivateKey.sign

    def staged(*args):
        done.append(args)
        return kill() if len(done) == step else stage(*args)

    def signed(*args):
        return kill() if step == 3 else sign(*args)

    private.stage, pyhsslms.LmotsPrivateKey.sign = staged, signed
    SigningKey.open(path).sign(b"m")


@pytest.mark.parametrize(("step", "following"), [(1, 1), (2, 2), (3, 2), (4, 2)])
def test_a_program_that_is_killed(path, step, following):
    """What was not handed out may be lost; the one before it is never used again."""
    assert number(SigningKey.open(path).sign(b"m")) == 0
    program = multiprocessing.get_context("fork").Process(target=killed, args=(path, step))
    program.start()
    program.join(60)
    assert program.exitcode == (0 if step == 4 else -signal.SIGKILL)
    assert number(SigningKey.open(path).sign(b"m")) == following


@pytest.mark.parametrize("step", [1, 2])
def test_a_disk_that_is_full(path, monkeypatch, step):
    done = []
    stage = private.stage

    def full(*args):
        done.append(args)
        if len(done) == step:
            raise OSError(errno.ENOSPC, "full", str(args[0]))
        return stage(*args)

    used = [number(SigningKey.open(path).sign(b"m"))]
    signed = []
    monkeypatch.setattr(
        pyhsslms.LmotsPrivateKey, "sign", lambda *args: signed.append(args)
    )  # nothing is even worked out
    monkeypatch.setattr(private, "stage", full)
    with pytest.raises(UsageError, match="nothing was signed: .*: make room there"):
        SigningKey.open(path).sign(b"m")
    assert signed == [] and len(done) == step
    monkeypatch.undo()
    monkeypatch.setenv("XDG_STATE_HOME", str(path.parent / "state"))
    used.append(number(SigningKey.open(path).sign(b"m")))
    assert used == [0, step]


def test_the_number_is_on_the_disk_before_there_is_a_signature(path, monkeypatch):
    happened = []
    fsync, sign = os.fsync, pyhsslms.LmotsPrivateKey.sign

    def synced(descriptor):
        happened.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file")
        return fsync(descriptor)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(
        pyhsslms.LmotsPrivateKey, "sign", lambda *args: (happened.append("signature"), sign(*args))[1]
    )
    SigningKey.open(path).sign(b"m")
    assert happened == ["file", "folder", "file", "folder", "signature"]


# ---- copies of the file


def test_a_file_that_was_restored_goes_on_where_it_was(tmp_path, path):
    shutil.copy(path, tmp_path / "backup")
    assert [number(SigningKey.open(path).sign(b"m")) for _ in range(3)] == [0, 1, 2]
    shutil.copy(tmp_path / "backup", path)
    assert SigningKey.open(path).left == 29
    assert number(SigningKey.open(path).sign(b"m")) == 3


def test_a_copy_of_this_account_shares_the_numbers(tmp_path, path):
    shutil.copy(path, tmp_path / "copy")
    used = [number(SigningKey.open(each).sign(b"m")) for each in (path, tmp_path / "copy", path)]
    assert used == [0, 1, 2]


def test_an_old_key_object_signs_under_no_old_number(path):
    early = SigningKey.open(path)
    SigningKey.open(path).sign(b"m")
    assert number(early.sign(b"m")) == 1


def test_a_file_from_elsewhere_signs_nothing_until_a_person_has_said(tmp_path, path, monkeypatch):
    SigningKey.open(path).sign(b"m")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "elsewhere"))
    key = SigningKey.open(path)
    assert key.brought and key.left == 31
    with pytest.raises(UsageError, match=r"brought from another machine .*msgin5g keys take .* --skip N"):
        key.sign(b"m")
    key.take(4)
    assert not key.brought and key.left == 27
    assert number(SigningKey.open(path).sign(b"m")) == 5


def test_taken_with_more_left_out_than_there_are(tmp_path, path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "elsewhere"))
    key = SigningKey.open(path)
    key.take(1000)
    assert key.left == 0 and SigningKey.open(path).left == 0


def test_a_link_stays_a_link(tmp_path, path):
    (tmp_path / "link").symlink_to(path)
    assert number(SigningKey.open(tmp_path / "link").sign(b"m")) == 0
    assert (tmp_path / "link").is_symlink()
    assert number(SigningKey.open(path).sign(b"m")) == 1


# ---- what is no key


@pytest.mark.parametrize(
    ("octets", "why"),
    [
        (b"", "no signing key"),
        (b"0000", "no signing key"),
        (b"[" * 100_000, "no signing key"),
        (b"{}", "no signing key"),
        (b"\xff", "no signing key"),
        (b'{"msgin5g signing key": 1}', "no signing key"),
    ],
)
def test_a_file_that_is_no_key(tmp_path, octets, why):
    (tmp_path / "k").write_bytes(octets)
    with pytest.raises(UsageError, match=why):
        SigningKey.open(tmp_path / "k")


def test_no_file_at_all(tmp_path):
    with pytest.raises(UsageError, match="look at the name"):
        SigningKey.open(tmp_path / "k")


@pytest.mark.parametrize("member", ["seed", "leaves", "public"])
def test_a_damaged_file_signs_nothing(path, member):
    text = path.read_text()
    at = text.index(f'"{member}"') + len(member) + 5 + (60 if member == "public" else 0)
    path.write_text(text[:at] + ("1" if text[at] == "0" else "0") + text[at + 1 :])
    with pytest.raises(UsageError, match="is damaged"):
        SigningKey.open(path).sign(b"m")


def test_a_form_of_a_newer_program(path):
    path.write_text(path.read_text().replace('key": 1', 'key": 2'))
    with pytest.raises(UsageError, match="take a newer one"):
        SigningKey.open(path)


def test_a_record_that_is_damaged(account, path):
    (record,) = account.rglob("next")
    record.write_text("many")
    with pytest.raises(UsageError, match="write how many signatures"):
        SigningKey.open(path)


# ---- the public part


PLAIN = "000000010000000600000003" + "5a" * 48


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (PLAIN, "LMS_SHA256_M32_H10, LMOTS_SHA256_N32_W4"),
        (
            "00000002" + "0000000e" + "00000008" + "5A" * 40,
            "2 levels of LMS_SHA256_M24_H25, LMOTS_SHA256_N24_W8",
        ),
    ],
)
def test_a_public_key(tmp_path, text, says):
    (tmp_path / "k.pub").write_text(text + "\r\n")
    found = public.read(tmp_path / "k.pub")
    assert found.octets == bytes.fromhex(text) and str(found) == says


def test_octets_of_a_signature(path):
    assert len(SigningKey.open(path).sign(b"m")) == SigningKey.open(path).details.signature
    # The signatures of RFC 8554 test case 1 and of RFC 9858 appendix A.1 have 2,644 and 784 octets.
    two = "00000002" + "00000005" + "00000004" + "5a" * 48
    short = "00000001" + "0000000a" + "00000008" + "5a" * 40
    assert [public.parse(bytes.fromhex(each)).signature for each in (two, short)] == [2644, 784]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        PLAIN[:-1],
        PLAIN[:-2],
        PLAIN + "5a",
        "00000000" + PLAIN[8:],
        "00000003" + PLAIN[8:],
        PLAIN[:8] + "0000000a" + PLAIN[16:],
        PLAIN[:8] + "00000004" + PLAIN[16:],
        PLAIN[:16] + "00000005" + PLAIN[24:],
        PLAIN[:16] + "00000000" + PLAIN[24:],
        PLAIN + "\n" + PLAIN,
    ],
)
def test_what_is_no_public_key(tmp_path, text):
    (tmp_path / "k.pub").write_text(text)
    with pytest.raises(UsageError, match="no public key for updates"):
        public.read(tmp_path / "k.pub")


def test_the_key_that_signs_is_not_for_devices(path):
    with pytest.raises(UsageError, match="which no device may have: name updates.key.pub"):
        public.read(path)


# ---- msgin5g keys


def keys(capsys, *words):
    code = cli.main(["keys", *map(str, words)])
    out, err = capsys.readouterr()
    return code, out, err


def test_made_and_shown(tmp_path, capsys):
    file = tmp_path / "updates.key"
    code, out, err = keys(capsys, "make", file, "--signatures", 32)
    assert (code, err) == (0, "")
    assert f"keys: {file} signs 32 bundles" in out and f"provision --update-key {file}.pub" in out
    line = (tmp_path / "updates.key.pub").read_text()
    for each in (file, f"{file}.pub"):
        assert keys(capsys, "show", each, "--public") == (0, line, "")
    code, out, err = keys(capsys, "show", file)
    assert (code, err) == (0, "")
    assert (
        f"public key   {line}" in out
        and f"key          {line[24:56]}\n" in out
        and "LMS_SHA256_M32_H5, LMOTS_SHA256_N32_W4" in out
    )
    assert "a signature of 2,352 octets" in out and "32 signatures are left of 32" in out
    code, out, err = keys(capsys, "show", f"{file}.pub")
    assert (code, err) == (0, "") and "LMS_SHA256_M32_H5" in out and "left" not in out


def test_shown_and_taken_elsewhere(tmp_path, path, capsys, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "elsewhere"))
    assert "none by this account: msgin5g keys take" in keys(capsys, "show", path)[1]
    assert keys(capsys, "take", path, "--skip", 5) == (
        0,
        f"keys: 27 signatures are left of 32 in {path}\n",
        "",
    )
    assert "by this account" not in keys(capsys, "show", path)[1]


def test_mistakes_are_a_line(tmp_path, path, capsys):
    (tmp_path / "other").write_text("hello")
    for words, said in (
        (("make", path), "is there already"),
        (("make", tmp_path / "k", "--signatures", "0"), "1 to 32,768"),
        (("make", tmp_path / "k", "--signatures", "99999"), "1 to 32,768"),
        (("make", tmp_path / "k", "--signatures", "many"), "no number"),
        (("make", tmp_path / "no" / "k", "--signatures", "1"), "no key was made: "),
        (("show", tmp_path / "k"), "look at the name"),
        (("show", tmp_path / "other"), "no signing key"),
        (("take", f"{path}.pub", "--skip", "0"), "no signing key"),
        (("take", path, "--skip", "-1"), "no number"),
    ):
        code, out, err = keys(capsys, *words)
        assert (code, out, err.count("\n")) == (2, "", 1) and said in err, (words, err)
