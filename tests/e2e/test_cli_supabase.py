"""`supabase migrations` writes what `supabase db push` takes, and never over another file."""

from __future__ import annotations

from pathlib import Path

from .program import Program

SOURCE = Path(__file__).parents[2] / "resources" / "supabase"


def test_the_files_are_written_and_kept(program: Program, tmp_path: Path) -> None:
    folder = tmp_path / "my project"
    said = program.run("supabase", "migrations", folder).expect(0).out
    assert "supabase db push" in said
    written = {
        path.relative_to(folder / "supabase"): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }
    assert written == {
        path.relative_to(SOURCE): path.read_bytes() for path in SOURCE.rglob("*") if path.is_file()
    }
    # It needs no profile and makes none.
    assert not program.home.exists()
    # Settings are the user's own; what is missing is written again.
    settings = folder / "supabase" / "config.toml"
    settings.write_text('project_id = "mine"\n')
    first, second = sorted((folder / "supabase" / "migrations").iterdir())[:2]
    first.unlink()
    row = program.run("supabase", "migrations", folder, "--json").expect(0).row
    assert row["written"] == [str(first)]
    assert str(second) in row["unchanged"]
    assert settings.read_text() == 'project_id = "mine"\n'


def test_another_file_is_never_replaced(program: Program, tmp_path: Path) -> None:
    program.run("supabase", "migrations", tmp_path).expect(0)
    first, *rest = sorted((tmp_path / "supabase" / "migrations").iterdir())
    rest[-1].write_text("-- mine\n")
    first.unlink()
    ended = program.run("supabase", "migrations", tmp_path, "--json").expect(1)
    assert str(rest[-1]) in ended.row["error"]["title"]
    assert rest[-1].read_text() == "-- mine\n"
    assert not first.exists()


def test_a_folder_that_is_none(program: Program, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    program.run("supabase", "migrations", tmp_path / "file").expect(2)
    program.run("supabase", "migrations", tmp_path / "file" / "in").expect(2)
    program.run("supabase", "migrations").expect(2)
