import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[3]


class TestDockerignore:
    def test_lets_every_package_into_the_image(self):
        settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
        packages = settings["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
        let_in = {line.removeprefix("!") for line in (ROOT / ".dockerignore").read_text().splitlines()}
        assert {package.partition("/")[0] for package in packages} <= let_in
