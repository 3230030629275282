"""What the facility's producer notes once a file: settings of cameras and functions, run sums."""

from collections.abc import Mapping

import numpy as np

from workbench.core.arrays import Array
from workbench.core.bounds import Bounds
from workbench.core.clock import EPICS_EPOCH
from workbench.smalldata import OnceValue
from workbench.synthetic.cameras import HC, epix_1, expected_frame
from workbench.synthetic.dialect import TT_CALIBRATION
from workbench.synthetic.pump_probe import RATE, PumpProbe
from workbench.synthetic.station import Station
from workbench.synthetic.tiles import N_PHI, PITCH, Q_EDGES, ring_camera
from workbench.synthetic.truth import Counts

PITCH_SPOT = 50.0  # um
Once = dict[str, OnceValue]


def camera_settings(
    spec: PumpProbe, station: Station, regions: Mapping[str, Bounds], counts: Counts
) -> Once:
    """Return ``UserDataCfg`` and ``Sums`` of a run, by path."""
    found = _spot(spec, station, regions) | _rings(spec, station)
    found |= _sums(spec, station, counts)
    found |= _default(station)
    if station.generation == "lcls1":
        found["UserDataCfg/tt/ttCalib"] = _value(
            np.array(TT_CALIBRATION), "1", "polynomial from pixel to ps, constant first"
        )
        found["epicsOnce/ccm_E"] = _value(spec.photon_energy, "keV", "photon energy")
    else:
        found["epics_archiver/att_T"] = _archived(spec)
    return found


def _spot(spec: PumpProbe, station: Station, regions: Mapping[str, Bounds]) -> Once:
    det, camera = f"UserDataCfg/{station.spot}", epix_1()
    x, y, z = (axis.reshape(camera.good.shape) for axis in camera.geometry.laboratory)
    found = _pixels(det, x, y, z, camera.good, PITCH_SPOT)
    found |= {
        f"{det}/ped": _value(camera.pedestal, "ADU", "dark level"),
        f"{det}/rms": _value(camera.noise, "ADU", "dark noise"),
        f"{det}/gain": _value(np.float32(1 / spec.photon_energy) * camera.adu, "ADU/keV", "gain"),
        f"{det}/common_mode": _value(0),
        **{f"{det}/{name}": found[f"{det}/mask"] for name in ("cmask", "statusMask")},
    }
    for name, bounds in regions.items():
        found |= _region(det, name, bounds, camera.good, area=name == "peak")
    droplet = f"{det}/droplet__droplet"
    for key, number in {"threshold": 10.0, "thresholdLow": 3.0, "thresADU": 0.5}.items():
        found[f"{droplet}_{key}"] = _value(number)
    return found


def _rings(spec: PumpProbe, station: Station) -> Once:
    det = f"UserDataCfg/{station.rings}"
    camera = ring_camera(station.ring_shape, spec.photon_energy)
    good = np.ones(station.ring_shape, bool)
    pitch = PITCH.get(station.ring_shape, 100.0)
    found = _pixels(det, camera.x, camera.y, camera.z, good, pitch)
    found |= _region(det, "ring", station.ring_roi, good, area=False)
    pixels, _ = camera.bins
    azav = {
        "q": _value((Q_EDGES[1:] + Q_EDGES[:-1]) / 2, "1/angstrom", "centres of the bins in q"),
        "qbins": _value(Q_EDGES, "1/angstrom", "edges of the bins in q"),
        "phiVec": _value(np.linspace(0, 2 * np.pi, N_PHI + 1), "rad", "azimuths"),
        "phiBins": _value(N_PHI),
        "norm": _value(pixels.astype(np.float64), "1", "pixels in each bin"),
        "eBeam": _value(spec.photon_energy, "keV", "photon energy"),
        "lam": _value(HC / spec.photon_energy, "angstrom", "wavelength"),
        "dis_to_sam": _value(float(np.abs(camera.z).mean()) / 1000, "mm", "distance to the sample"),
        "xcen": _value(0.0, "mm", "beam centre"),
        "ycen": _value(0.0, "mm", "beam centre"),
    }
    return found | {f"{det}/azav__azav_{key}": value for key, value in azav.items()}


def _pixels(det: str, x: Array, y: Array, z: Array, good: Array, pitch: float) -> Once:
    rows = np.rint((y.max() - y) / pitch).astype(np.int16)
    cols = np.rint((x - x.min()) / pitch).astype(np.int16)
    return {
        f"{det}/x": _value(x.astype(np.float32), "um", "pixel centre"),
        f"{det}/y": _value(y.astype(np.float32), "um", "pixel centre"),
        f"{det}/z": _value(z.astype(np.float32), "um", "pixel centre"),
        f"{det}/ix": _value(rows, "1", "row in the assembled image"),
        f"{det}/iy": _value(cols, "1", "column in the assembled image"),
        f"{det}/imgShape": _value(np.array([rows.max() + 1, cols.max() + 1], np.int64)),
        f"{det}/pixelsize": _value(np.array([pitch * 1e-6]), "m", "side of a pixel"),
        f"{det}/mask": _value(good.astype(np.uint8), "1", "1 where the pixel is good"),
    }


def _region(det: str, name: str, bounds: Bounds, good: Array, *, area: bool) -> Once:
    key, pairs = f"{det}/{name}__{name}", np.array(list(zip(bounds.low, bounds.high, strict=True)))
    return {
        f"{key}_ROI": _value(pairs),
        f"{key}_bound": _value(pairs),
        f"{key}_mask": _value((~good[bounds.slices]).astype(np.uint8), "1", "1 where bad"),
        f"{key}_writeArea": _value(int(area)),
        f"{key}_calcPars": _value(1),
        f"{key}_name": _value(name),
    }


def _sums(spec: PumpProbe, station: Station, counts: Counts) -> Once:
    """Return sums over all frames, as expected without noise, and over those of dropped shots."""
    lit = 1 - 1 / spec.dropped_every
    camera = ring_camera(station.ring_shape, spec.photon_energy)
    rings = spec.ring_photons * camera.share + spec.diffuse_photons
    spot = expected_frame(spec.signal_photons, spec.background_photons)
    frames = {
        f"{station.rings}_calib": counts.present["jungfrau1M"] * lit * rings,
        f"{station.spot}_calib": counts.present["epix_1"] * lit * spot,
        f"{station.spot}_calib_dropped": np.zeros_like(spot),
    }
    return {
        f"Sums/{name}": _value(
            (spec.photon_energy * photons).astype(np.float32), "keV", "sum of frames"
        )
        for name, photons in frames.items()
    }


def _default(station: Station) -> Once:
    """Return the names that each default detector notes of itself."""
    found: Once = {}
    for detector in station.detectors:
        if detector.kind != "camera":
            found[f"UserDataCfg/{detector.group}/detname"] = _value(detector.source)
            found[f"UserDataCfg/{detector.group}/name"] = _value(detector.group)
    code = station.laser_code
    kind = "drop" if code > 0 else "req"
    found[f"UserDataCfg/lightStatus/laserCodes_{kind}"] = _value(np.array([abs(code)]))
    found["UserDataCfg/lightStatus/xrayCodes_req"] = _value(np.array([137]))
    return found


def _archived(spec: PumpProbe) -> OnceValue:
    """Return an archived slow value: Unix time [s] and value, once a second over the run."""
    seconds = np.arange(spec.n_events // RATE + 3) + spec.begin + EPICS_EPOCH
    return _value(np.stack([seconds, np.full(len(seconds), 0.35)], axis=1), "1", "time, value")


def _value(value: Array | float | str, unit: str = "1", meaning: str = "") -> OnceValue:
    return OnceValue(value, unit, meaning)
