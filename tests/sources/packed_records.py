"""Packed records of digitizers, put together by hand, and read by a loop over their words."""

from typing import Any

import numpy as np

Words = np.ndarray[Any, Any]
BOTH = 3 << 20  # first word of a header that announces waveform and windows


def stream(number: int, words: Any, marks: int = 0) -> bytes:
    """One stream: its header, then 16-bit words."""
    head = np.array([len(words) | marks << 29, number << 24, 0, 0], "<u4")
    return head.tobytes() + np.asarray(words, "<u2").tobytes()


def left_out(*counts: int) -> list[int]:
    """A group of words that says how many samples are left out."""
    return [1 << 15 | count for count in counts]


def record(*streams: bytes) -> Words:
    return np.frombuffer(b"".join(streams), np.uint8)


def literal(data: Words, header: int, length: int) -> tuple[list[int], list[tuple[int, list[int]]]]:
    """Waveform and windows (first sample, samples) of a record that is as it should be."""
    wave: list[int] = []
    windows: list[tuple[int, list[int]]] = []
    at = 0
    for _ in range(bin(header >> 20 & 3).count("1")):
        count = int.from_bytes(data[at : at + 4].tobytes(), "little")
        number = int(data[at + 7])
        words = data[at + 16 : at + 16 + 2 * count].view("<u2").tolist()
        at += 16 + 2 * count
        if number == 0:
            wave = words
            continue
        place, inside = 0, False
        for group in range(0, count, 4):
            four = words[group : group + 4]
            if four[0] & 0x8000:
                place, inside = place + sum(word & 0x7FFF for word in four), False
                continue
            if not inside:
                windows.append((place, []))
            windows[-1][1].extend(four)
            place, inside = place + 4, True
    assert at == len(data)
    assert len(wave) <= length
    return wave, windows


def laid_out(wave: list[int], windows: list[tuple[int, list[int]]], length: int) -> Words:
    """The waveform, or the windows in their places and NaN between."""
    out = np.full(length, np.nan)
    for first, samples in [(0, wave)] if wave else windows:
        out[first : first + len(samples)] = samples
    return out
