"""Rows of XPP's templates."""

from tests.templates.matrix import Row, both_generations

ROWS = {
    "xpp/delay_scan": Row(
        faults=(
            "ps-as-seconds",
            "seconds-as-ps",
            "double-counted",
            "flipped-sign",
            "time-tool-zero",
            "time-tool-uncalibrated",
            "lock-jump",
            "small-lock-jump",
            "encoder-stuck",
        ),
        places=both_generations("xpp"),
        made={"camera_every": 1},
        given={"signal": "epix_1/signal_sum"},
    ),
}
