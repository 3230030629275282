"""``get_intg``: the integrating detectors that a config names, the one that sets the pace first."""

from workbench.producer.report import Report, kind

FUNCTION = "get_intg"


def read_integrating(value: object, report: Report) -> tuple[str, ...]:
    """Return the detectors of ``(main, [others])``, ``(main, None)`` or ``main``; () for none."""
    if value is None or value in ("", [], {}):
        return ()
    main, others = (value, None) if isinstance(value, str) else _pair(value)
    listed = [] if others is None else [others] if isinstance(others, str) else others
    names = isinstance(listed, list) and all(isinstance(name, str) for name in listed)
    if main in (None, "") and names and not listed:
        return ()
    if not isinstance(main, str) or not main or not names:
        text = (
            f"{FUNCTION} gives (main, [others]), names of detectors, not {kind(value)}: the main "
            "one sets which events belong to a frame"
        )
        report.skip("wrong-type", text, FUNCTION)
        return ()
    assert isinstance(listed, list)
    return tuple(dict.fromkeys([main, *listed]))


def _pair(value: object) -> tuple[object, object]:
    if isinstance(value, list) and len(value) == 2:
        return value[0], value[1]
    return None, value
