"""Which templates an experiment starts with."""

from collections.abc import Sequence

from workbench.batch.catalogue import Template, find_template, template_root, templates

COMMON = "common"


def choose_templates(hutch: str, names: Sequence[str] = ()) -> list[Template]:
    """Return the named templates; without names the common ones and those of the hutch."""
    if names:
        return [find_template(name) for name in names]
    root = template_root()
    groups = {COMMON, hutch}
    return [one for one in templates() if one.path.relative_to(root).parts[0] in groups]
