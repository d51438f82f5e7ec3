"""Demos 03 to 07 and 09: what a quick run prints and leaves."""

from __future__ import annotations

RUNS: list[tuple[str, list[str], list[str], list[str]]] = [
    (
        "03_names.py",
        [],
        [
            r"^data: the small text that comes with the demos$",
            r"^model +parameters +steps +train +test  \(nats per letter\)$",
            r"^bigram +729 +30  [23]\.\d{3}  [23]\.\d{3}$",  # guessing costs 3.3
            *[
                rf"^{name} +[\d,]+ +30  2\.\d{{3}}  2\.\d{{3}}$"
                for name in ("mlp", "rnn", "gru", "transformer")
            ],
            *[
                rf"^{name}: ([a-z]*, ){{11}}[a-z]*$"
                for name in ("bigram", "mlp", "rnn", "gru", "transformer")
            ],
            r"^\d+ of them are not in the list\.$",
        ],
        [],
    ),
    (
        "04_gpt.py",
        [],
        [
            r"^data: the small text that comes with the demos$",
            *[rf"^---- after {steps} steps, it writes ----$" for steps in (0, 3, 15, 30)],
            r"^loss curve: gpt_curve\.png$",
            r"^bits per character: 6\.00 by guessing, 4\.55 by frequency,$",
            r"^test: 3\.\d{3} nats = \d\.\d\d bits per character after 30 steps$",
        ],
        ["gpt_curve.png"],
    ),
    (
        "05_lstm_rows.py",
        [],
        [
            r"^data: 1,000 digits to learn from, 500 to test on$",
            r"^a 9: \d+ of 54 are known in the end",
            r"^accuracy after 28 rows: \d+\.\d\d %$",
        ],
        ["lstm_rows.png"],
    ),
    (
        "06_translate_dates.py",
        [],
        [
            r"^data: 1,000 dates to learn from, 200 other days to test on$",
            r"^ +Tuesday 03\.03\.1998 -> [0-9-]{10}$",
            r"^exact matches: \d+\.\d\d %$",
        ],
        ["translate_dates.png"],
    ),
    (
        "07_sort.py",
        [],
        [r"^3141592653 -> \d{10}$", r"^sorted without a mistake: \d+\.\d\d % of 2,000 sequences$"],
        ["sort_attention.png"],
    ),
    (
        "09_vae.py",
        [],
        [
            r"^epoch 1: train \d{3}\.\d, test 2\d\d\.\d nats per image$",  # without learning it costs 544
            r"^\d\d\.\d % of the test digits lie nearest to one of their kind$",
        ],
        ["map_of_digits.png"],
    ),
]
