"""How much memory a pass may take."""

from experiments import memory


def test_what_is_free_is_half_used(monkeypatch):
    monkeypatch.setattr(memory, "_free_on_the_host", lambda: 3 * 2**30)
    assert memory.budget() == 3 * 2**29
    monkeypatch.setattr(memory, "_free_on_the_host", lambda: 2**36)
    assert memory.budget() == 2**35  # large frames need few tiles then
    monkeypatch.setattr(memory, "_free_on_the_host", lambda: 2**20)
    assert memory.budget() == 2**28


def test_a_container_has_what_its_limit_leaves(tmp_path, monkeypatch):
    limit, now, stat = (tmp_path / name for name in ("max", "now", "stat"))
    limit.write_text("3000\n")
    now.write_text("1000\n")
    group = (limit, now, (stat, "inactive_file"))
    monkeypatch.setattr(memory, "_CGROUPS", (group,))
    assert memory._free_on_the_host() == 2000
    # Pages of files that were read make room when it is wanted.
    stat.write_text("anon 300\nfile 700\ninactive_file 600\nactive_file 100\n")
    assert memory._free_on_the_host() == 2600
    stat.write_text("anon 300\n")
    assert memory._free_on_the_host() == 2000
    limit.write_text("max\n")
    assert memory._free_on_the_host() > 3000
