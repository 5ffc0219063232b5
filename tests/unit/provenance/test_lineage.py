from pathlib import Path

from sarcoma_sbrt.io import read_modules
from sarcoma_sbrt.provenance.lineage import import_closure, import_graph, imported_modules

REPOSITORY = Path(__file__).parents[3]
KNOWN = {
    "sarcoma_sbrt.a": "import numpy\n",
    "sarcoma_sbrt.b": "from sarcoma_sbrt import a\n",
    "sarcoma_sbrt.c.d": "def f():\n    from sarcoma_sbrt.b import x\n",
    "sarcoma_sbrt.e": "import json\n",
}


def test_direct_imports_in_every_form():
    assert imported_modules("import sarcoma_sbrt.a as z", KNOWN) == {"sarcoma_sbrt.a"}
    assert imported_modules("from sarcoma_sbrt.c import d", KNOWN) == {"sarcoma_sbrt.c.d"}
    assert imported_modules("import pandas", KNOWN) == set()


def closure(source, known):
    return import_closure(imported_modules(source, known), import_graph(known))


def test_the_closure_follows_imports_inside_functions():
    reached = closure("from sarcoma_sbrt.c.d import f", KNOWN)
    assert reached == ("sarcoma_sbrt.a", "sarcoma_sbrt.b", "sarcoma_sbrt.c.d")


def test_every_module_is_reached_by_some_script_or_the_command_line():
    package = REPOSITORY / "workflow" / "src" / "sarcoma_sbrt"
    modules = {name: text for name, (_, text) in read_modules(package).items()}
    scripts = sorted((REPOSITORY / "workflow" / "scripts").glob("*.py"))
    assert len(scripts) > 10
    graph = import_graph(modules)
    reached = {"sarcoma_sbrt.cli.app"}
    for source in (modules["sarcoma_sbrt.cli.app"], *(s.read_text("utf-8") for s in scripts)):
        reached |= set(import_closure(imported_modules(source, modules), graph))
    unreached = {name for name, text in modules.items() if text and name not in reached}
    assert unreached == {"sarcoma_sbrt.provenance.verdict"}  # the rule files use it
