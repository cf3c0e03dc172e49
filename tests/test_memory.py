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
    (tmp_path / "max").write_text("3000\n")
    (tmp_path / "now").write_text("1000\n")
    monkeypatch.setattr(memory, "_CGROUPS", ((tmp_path / "max", tmp_path / "now"),))
    assert memory._free_on_the_host() == 2000
    (tmp_path / "max").write_text("max\n")
    assert memory._free_on_the_host() > 2000
