"""Azimuthal averages event by event: isotropic and anisotropic curves, the light in a q window."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from workbench.core.arrays import Array, Bools, Floats
from workbench.core.errors import InputError
from workbench.runs import Channel, Run, Runs, need_events
from workbench.runs.channel import Label, OpenRows, Rows
from workbench.runs.gaps import always_float

HC = 12.398419843320026  # keV angstrom, exact in SI
LOOKED_AT = 200  # events with light, to tell bins without pixels
SCALES = {"degree": np.pi / 180, "1/nm": 0.1}  # of axes in other units -> rad, 1/angstrom
LEAST_SPREAD = 0.1  # of P_2 over a ring, to tell S_2 from S_0


@dataclass(frozen=True)
class Azimuthal:
    """Azimuthal averages of a run and where their bins lie.

    Parameters
    ----------
    channel
        Mean per pixel, shape (event, phi, q) or (event, q).
    q
        Centres of the bins [1/angstrom], shape (q,).
    phi
        Azimuths of the bins [rad], shape (phi,); one 0 for averages over the full circle.
    pixels
        Pixels behind each bin, shape (phi, q): 0 where there are none; 1 in all others where the
        file does not count them.
    photon_energy
        [keV]; None where the file does not say.
    direction
        Mean of exp(2 i phi) over the pixels of each bin, complex, shape (phi, q); None where the
        file does not say: bins are then taken as evenly filled, from edge to edge.
    """

    channel: Channel
    q: Floats
    phi: Floats
    pixels: Floats
    photon_energy: float | None
    direction: Array | None = None

    @property
    def wave(self) -> Array:
        """Mean of exp(2 i phi) over each bin, complex, shape (phi, q); as `direction` has it."""
        if self.direction is not None:
            return np.where(self.pixels > 0, self.direction, 0)
        even = _blur(self.phi) * np.exp(2j * self.phi)
        return np.asarray(np.broadcast_to(even[:, None], self.pixels.shape))

    def inside(self, low: float, high: float) -> Bools:
        """Tell which bins in q lie in the window low <= q < high [1/angstrom]."""
        return np.asarray((self.q >= low) & (self.q < high))


def azimuthal(run: Run | Runs, field: str | Channel = "") -> Azimuthal:
    """Return a run's azimuthal averages with q, azimuths and numbers of pixels from its file.

    Parameters
    ----------
    run
        From `open_run`.
    field
        Name or channel; empty: the first of the run, as ``<detector>/azav_azav``.

    Raises `InputError` for a field of another shape, and where q is not in the file.
    """
    need_events(run)
    channel = run.channel(field or _first(run))
    if len(channel.shape) not in {2, 3} or channel.dtype.kind != "f":
        raise InputError(
            f"{channel.name} has shape {channel.shape}: azimuthal averages are (event, phi, q) or "
            "(event, q); name another field, such as <detector>/azav_azav"
        )
    bins = channel.shape[1:] if len(channel.shape) == 3 else (1, *channel.shape[1:])
    q = _label(channel, "q")
    if q is None or len(q) != bins[1]:
        raise InputError(
            f"{run.label}: q of {channel.name} is not in the file (UserDataCfg/<detector>/"
            "<function>__<function>_q); produce the run again with the function's settings"
        )
    phi = _label(channel, "phi")
    phi = np.arange(bins[0]) * 2 * np.pi / bins[0] if phi is None else phi
    counted, energy, direction = _settings(run, channel.name, bins)
    pixels = counted * _lit(channel, bins, run.label)
    return Azimuthal(channel, q, phi[: bins[0]], pixels, energy, direction)


def legendre(
    run: Run | Runs, averages: Azimuthal, orders: Sequence[int] = (0,), *, axis: float = 0.0
) -> tuple[Channel, ...]:
    """Return one curve S_n(q) per event for each order: S(q, phi) = sum of S_n(q) P_n(cos theta_q).

    Least squares over the azimuths that hold pixels, each weighted by them; with order 0 alone the
    mean over all pixels of a ring. cos theta_q = cos(theta) cos(phi - axis), with theta half the
    scattering angle and the pump polarised across the X-ray beam (Biasin et al., J. Synchrotron
    Rad. 25, 306 (2018), where S_2 has this sign). cos^2 is averaged over the pixels of each bin, as
    the file has it (`Azimuthal.direction`), so that neither the width of the azimuths (5 % of S_2
    with 12 of them) nor masks that cut through them count. A q at which the azimuths do not tell
    the orders apart (`determined`) is NaN.

    Parameters
    ----------
    run, averages
        The run, and its averages from `azimuthal`.
    orders
        0 and 2.
    axis
        Azimuth of the pump's polarisation, counted as the averages' phi [rad].

    Raises
    ------
    InputError
        For orders other than 0 and 2.
    """
    if not orders or not set(orders) <= {0, 2}:
        raise InputError(f"orders {tuple(orders)}: the isotropic part is 0, the anisotropic one 2")
    weights = _regression(averages, tuple(orders), axis)
    return tuple(
        _mapped(run, averages, f"s{order}", weight, "phi")
        for order, weight in zip(orders, weights, strict=True)
    )


def window(run: Run | Runs, averages: Azimuthal, low: float, high: float) -> Channel:
    """Return the mean per pixel in the window low <= q < high [1/angstrom] of every event."""
    inside = averages.inside(low, high) & (averages.pixels.sum(axis=0) > 0)
    if not inside.any():
        raise _empty(averages, low, high)
    weight = averages.pixels * inside
    return _mapped(run, averages, "scattering", weight / weight.sum(), "phi q")


def sectors(run: Run | Runs, averages: Azimuthal, low: float, high: float) -> Channel:
    """Return the mean per pixel over low <= q < high [1/angstrom] at each azimuth, (event, phi)."""
    counted = averages.pixels * averages.inside(low, high)
    total = counted.sum(axis=1, keepdims=True)
    if not (total > 0).any():
        raise _empty(averages, low, high)
    with np.errstate(invalid="ignore"):
        return _mapped(run, averages, "sectors", counted / total, "q")


def _empty(averages: Azimuthal, low: float, high: float) -> InputError:
    return InputError(
        f"no bin of {averages.channel.name} lies in the window {low:g} to {high:g} 1/angstrom; "
        f"its q goes from {averages.q.min():.3g} to {averages.q.max():.3g}"
    )


def determined(averages: Azimuthal, axis: float) -> Bools:
    """Tell at which q the azimuths tell S_0 and S_2 apart, shape (q,); `axis` in rad.

    P_2 must scatter over the pixels of a ring by `LEAST_SPREAD` (one standard deviation). Over a
    full ring it does by 0.53 cos(theta)^2: the error of S_2 is then five times smaller.
    """
    total = averages.pixels.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        share, second = averages.pixels / total, second_order(averages, axis)
        spread = (share * (second - (share * second).sum(axis=0)) ** 2).sum(axis=0)
        return np.asarray(np.sqrt(spread) > LEAST_SPREAD)


def _regression(averages: Azimuthal, orders: tuple[int, ...], axis: float) -> Floats:
    """Return the weight of each bin in each order, shape (order, phi, q)."""
    design = np.ones((len(orders), *averages.pixels.shape))
    if 2 in orders:
        design[orders.index(2)] = second_order(averages, axis)
    weighted = design * averages.pixels
    normal = np.einsum("ipq,jpq->qij", weighted, design)
    fixed = averages.pixels.sum(axis=0) > 0
    if len(orders) == 2:
        fixed &= determined(averages, axis)
    inverse = np.full_like(normal, np.nan)
    inverse[fixed] = np.linalg.inv(normal[fixed])
    found: Floats = np.einsum("qij,jpq->ipq", inverse, weighted)
    return found


def second_order(averages: Azimuthal, axis: float) -> Floats:
    """Return P_2(cos theta_q), averaged over each bin, shape (phi, q); `axis` in rad."""
    turned = np.real(averages.wave * np.exp(-2j * axis))
    return np.asarray((3 * cosine_squared(averages) * (1 + turned) / 2 - 1) / 2)


def cosine_squared(averages: Azimuthal) -> Floats:
    """Return cos(theta)^2 at each q, theta half the scattering angle, shape (q,)."""
    if averages.photon_energy is None:
        raise InputError(
            f"{averages.channel.name}: the file does not say the photon energy, which the "
            "anisotropic part needs; produce the run again with eBeam in the function's settings"
        )
    sine = averages.q * HC / averages.photon_energy / (4 * np.pi)
    return np.asarray(1 - sine**2)


def _blur(phi: Floats) -> float:
    """Return by what the width of the azimuths weakens a wave of two periods around the circle."""
    width = float(np.median(np.diff(np.sort(phi)))) if len(phi) > 1 else 2 * np.pi
    return float(np.sinc(width / np.pi))


def _mapped(
    run: Run | Runs, averages: Azimuthal, name: str, weight: Floats, summed: str
) -> Channel:
    """Return weighted sums over "phi", "q" or "phi q" as a channel that reads when asked."""
    source, used = averages.channel, weight != 0  # NaN counts as used: it stays NaN
    kept_axes = tuple(axis for axis in ("phi", "q") if axis not in summed.split())
    inner = {("q",): "eq", ("phi",): "ep", (): "e"}[kept_axes]

    @contextmanager
    def open_rows() -> Generator[Rows]:
        with source.opened() as read:

            def rows(first: int, last: int) -> Floats:
                values = always_float(read(first, last), None, source.name)
                values = values.reshape(len(values), *weight.shape)
                kept = np.where(used, values, 0.0)
                found: Floats = np.einsum(f"epq,pq->{inner}", kept, weight, dtype=np.float64)
                return found

            yield rows

    return _channel(run, averages, name, open_rows, kept_axes)


def _channel(
    run: Run | Runs,
    averages: Azimuthal,
    name: str,
    open_rows: OpenRows,
    axes: tuple[str, ...],
) -> Channel:
    source = averages.channel
    known: dict[str, Label] = {
        "q": (("q",), averages.q, {"units": "1/angstrom", "long_name": "scattering vector"}),
        "phi": (("phi",), averages.phi, {"units": "rad", "long_name": "azimuth"}),
    }

    def labels() -> dict[str, Label]:
        return {axis: known[axis] for axis in axes}

    meaning = {"scattering": "mean over the q window", "sectors": "mean over a q window"}
    return Channel(
        name,
        (source.shape[0], *(len(known[axis][1]) for axis in axes)),
        np.dtype(np.float64),
        open_rows=open_rows,
        unit=source.unit,
        long_name=f"{source.name}, {meaning.get(name, name)}",
        dims=("event", *axes),
        select=run.mask,
        why=f"from {source.name}, each azimuth by its number of pixels",
        labels=labels,
        gaps=source.gaps,
    )


def _first(run: Run | Runs) -> str:
    found = [
        name
        for name, info in run.infos.items()
        if info.kind == "event" and name.endswith("azav") and len(info.shape) in {2, 3}
    ]
    if not found:
        raise InputError(
            f"{run.label} holds no azimuthal averages (<detector>/azav_azav or pyfai_azav): add "
            "get_azav or get_azav_pyfai to the producer config and produce the run"
        )
    return found[0]


def _label(channel: Channel, name: str) -> Floats | None:
    for dims, values, attributes in channel.labels().values():
        if len(dims) == 1 and dims[0] == name:
            scale = SCALES.get(str(attributes.get("units")), 1.0)
            return scale * np.asarray(values, dtype=np.float64)
    return None


def _settings(
    run: Run | Runs, name: str, bins: tuple[int, ...]
) -> tuple[Floats, float | None, Array | None]:
    """Return pixels per bin, photon energy [keV] and direction, as far as the file tells them."""
    detector, _, leaf = name.partition("/")
    functions = run.settings[detector].functions if detector in run.settings else {}
    for called, function in functions.items():
        if leaf.startswith(f"{called}_"):
            counted, cosine, sine = (
                _of_bins(function[key], bins) if key in function else None
                for key in ("norm", "cos2phi", "sin2phi")
            )
            direction = None if cosine is None or sine is None else cosine + 1j * sine
            counted = np.ones(bins) if counted is None else counted
            return counted, function.photon_energy, direction
    return np.ones(bins), None, None


def _of_bins(value: Array, bins: tuple[int, ...]) -> Floats | None:
    """Return a value of each bin; None where it has another number of them."""
    values = np.asarray(value, np.float64)
    return values.reshape(bins) if values.size == np.prod(bins) else None


def _lit(channel: Channel, bins: tuple[int, ...], label: str) -> Bools:
    """Tell which bins hold a number in any of the first events that hold one at all."""
    lit, seen = np.zeros(bins, dtype=np.bool_), 0
    for _, values in channel.iter_stacks():
        there = np.isfinite(values).reshape(len(values), *bins)
        lit |= there.any(axis=0)
        seen += int(there.any(axis=(1, 2)).sum())
        if seen >= LOOKED_AT:
            break
    if not seen:
        raise InputError(
            f"{label}: {channel.name} holds no value in any event; look at run.check() and at "
            "run.presence()"
        )
    return lit
