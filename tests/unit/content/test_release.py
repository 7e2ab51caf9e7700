"""A release is told by its files: the same files are the same release, wherever they are."""

from pathlib import Path

from notifications.content.release import digest


def a_project(folder: Path, template: str = "Hello", more: str = "") -> Path:
    app = folder / "shop"
    (app / "templates").mkdir(parents=True)
    (app / "models.py").write_text("x = 1")
    (app / "templates" / "sms.txt").write_text(template)
    if more:
        (app / more).write_text("")
    return app


def test_the_same_files_are_the_same_release(tmp_path: Path) -> None:
    one, other = a_project(tmp_path / "here"), a_project(tmp_path / "there")
    assert digest(iter([one])) == digest(iter([other])) == digest(iter([one, one]))


def test_another_template_and_another_file_are_another_release(tmp_path: Path) -> None:
    one = a_project(tmp_path / "1")
    changed, larger = a_project(tmp_path / "2", template="Hi"), a_project(tmp_path / "3", more="views.py")
    assert len({digest(iter([each])) for each in (one, changed, larger)}) == 3


def test_what_python_and_editors_leave_behind_does_not_count(tmp_path: Path) -> None:
    assert digest(iter([a_project(tmp_path / "1")])) == digest(iter([a_project(tmp_path / "2", more="models.pyc")]))
