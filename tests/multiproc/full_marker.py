"""The marker `full`: tests that run only with `-m full` (or an expression that names it)."""


def pytest_configure(config):
    config.addinivalue_line("markers", "full: long; runs with -m full only")


def pytest_collection_modifyitems(config, items):
    if "full" in (config.getoption("markexpr") or ""):
        return
    left_out = [item for item in items if item.get_closest_marker("full")]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if not item.get_closest_marker("full")]
