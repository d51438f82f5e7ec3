"""The demos on graphs: what a quick run prints and leaves."""

from __future__ import annotations

RUNS: list[tuple[str, list[str], list[str], list[str]]] = [
    (
        "08_graphs.py",
        [],
        [r"^ +33 +17 +\d+ %  no$", r"^right: \d+\.\d % of the 32 others$"],
        ["karate_club.png"],
    ),
    (
        "25_link_prediction.py",
        [],
        [
            r"^data: 600 nodes, 2,\d{3} edges; 5\d\d are hidden$",
            r"^common neighbours  [67]\d\.\d %$",
            r"^many neighbours    [45]\d\.\d %$",
            r"^network            [5-9]\d\.\d %$",
        ],
        ["link_prediction.png"],
    ),
    (
        "26_graph_autoencoder.py",
        [],
        [
            r"^data: 34 nodes, 78 edges$",
            r"^edges among the likeliest pairs: \d+\.\d %$",
            r"^right by the direction of 0 and 33: \d+\.\d % of 32 others$",
        ],
        ["graph_autoencoder.png"],
    ),
    (
        "27_graph_attack.py",
        [],
        [
            r"^right before: \d+ of 32 nodes whose class was not told$",
            r"^ +\d+ +\d+ %  .*\d+ - \d+ (made|broken)",
            r"^mistaken after 5: \d of 3; \d if pairs are chosen by chance$",
        ],
        ["graph_attack.png"],
    ),
    (
        "28_whole_graphs.py",
        [],
        [
            r"^data: 100 graphs to learn from, 100 to test on$",
            r"^how it grew: \d+\.\d % right$",
            r"^distance, network: off by \d\.\d{3}$",
            r"^a ring of twelve: 3\.273, seen as (\S+)\nfour triangles:   1\.000, seen as \1$",
        ],
        ["whole_graphs.png"],
    ),
]
