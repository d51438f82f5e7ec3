"""Beasts for the demo of zero-shot learning: what each kind has, and how it is drawn. It knows neither engine."""

from __future__ import annotations

import random

import numpy as np

SIDE = 32
ATTRIBUTES = ("wings", "stripes", "spots", "two legs", "four legs", "fins", "long neck", "horns", "long tail")
SEEN = {
    "horse": "four legs, long tail",
    "leopard": "spots, four legs, long tail",
    "cow": "spots, four legs, horns, long tail",
    "deer": "four legs, horns",
    "sheep": "four legs",
    "camel": "four legs, long neck",
    "okapi": "stripes, four legs, horns",
    "duck": "wings, two legs",
    "ostrich": "wings, two legs, long neck",
    "swan": "wings, long neck",
    "bee": "wings, stripes",
    "ladybird": "wings, spots",
    "goldfish": "fins",
    "clownfish": "stripes, fins",
    "leopard shark": "spots, fins",
    "kangaroo": "two legs, long tail",
    "snake": "stripes, long tail",
    "horned viper": "spots, horns, long tail",
    "brontosaurus": "four legs, long neck, long tail",
    "plesiosaur": "fins, long neck, long tail",
    "sea horse": "fins, long neck",
    "peacock": "wings, spots, two legs, long tail",
    "wyvern": "wings, two legs, long tail",
    "griffin": "wings, spots, four legs",
    "moth": "wings, horns",
    "faun": "two legs, horns",
    "gerenuk": "four legs, horns, long neck",
    "manta": "wings, fins, long tail",
}
UNSEEN = {
    "zebra": "stripes, four legs, long tail",
    "giraffe": "spots, four legs, horns, long neck, long tail",
    "Pegasus": "wings, four legs, long tail",
    "dragon": "wings, stripes, two legs, horns, long neck, long tail",
    "flying fish": "wings, fins",
    "narwhal": "fins, horns",
}
KINDS = [*SEEN, *UNSEEN]


def line(start: tuple[float, float], end: tuple[float, float], width: float) -> np.ndarray:
    """Return where a line from one (y, x) to another is, True inside: what is less than half its width away."""
    y, x = np.mgrid[:SIDE, :SIDE]
    along = np.subtract(end, start)
    part = ((y - start[0]) * along[0] + (x - start[1]) * along[1]) / (along @ along)
    part = part.clip(0, 1)
    return np.hypot(y - start[0] - part * along[0], x - start[1] - part * along[1]) < width / 2


def draw(has: set[str], rng: random.Random) -> np.ndarray:
    """Return a beast that looks to the right, (SIDE, SIDE) numbers from 0 to 1; its measures are left to chance."""
    chance = rng.uniform
    y, x = np.mgrid[:SIDE, :SIDE]
    cy, cx, long, high = chance(16, 19), chance(14, 17), chance(6.5, 8.5), chance(3, 4.2)
    body = ((y - cy) / high) ** 2 + ((x - cx) / long) ** 2 < 1
    fur, dark, light = chance(0.45, 0.65), chance(0, 0.1), chance(0.85, 1)
    picture = np.full((SIDE, SIDE), chance(0.2, 0.3))
    neck = (cy - 1, cx + 0.8 * long)
    head = (
        (cy - chance(10, 12), cx + long + chance(0, 2))
        if "long neck" in has
        else (neck[0] - 2.5, neck[1] + 2.5)
    )
    parts = [
        body,
        line(neck, head, chance(2.2, 3)),
        line(head, (head[0] + 0.7, head[1] + 2), chance(3.4, 4.4)),
    ]
    legs = {"two legs": [-0.15, 0.2], "four legs": [-0.8, -0.4, 0.35, 0.75]}
    for name, places in legs.items():
        if name in has:
            length = chance(6, 8)
            feet = [(cx + at * long, cx + at * long + chance(-0.7, 0.7)) for at in places]
            parts += [line((cy + 0.6 * high, hip), (cy + high + length, foot), 1.5) for hip, foot in feet]
    if "long tail" in has:
        tip = (cy - chance(2, 5), cx - long - chance(4, 5.5))
        parts.append(line((cy - 1, cx - 0.9 * long), tip, 1.5))
    if "fins" in has:
        for up in (-1, 1):
            parts.append(
                line((cy, cx - 0.9 * long), (cy + up * chance(3.5, 4.5), cx - long - chance(2.5, 3.5)), 2.5)
            )
            parts.append(line((cy, cx + 1), (cy + up * (high + chance(1.5, 2.5)), cx - 1), 2.5))
    for part in parts:
        picture[part] = fur
    if "stripes" in has:
        picture[body & ((x + rng.randrange(4)) % 4 < 2)] = dark
    if "spots" in has:
        for row, moved in ((-0.45, 0), (0.35, 0.25)):
            for at in (-0.65, -0.15, 0.35):
                spot = cy + row * high + chance(-0.5, 0.5), cx + (at + moved) * long + chance(-0.7, 0.7)
                picture[body & (np.hypot(y - spot[0], x - spot[1]) < chance(1.1, 1.5))] = dark
    if "horns" in has:
        for at in (-1, 1):
            picture[line((head[0] - 1, head[1] + at), (head[0] - chance(4, 5), head[1] + 2 * at), 1.2)] = (
                light
            )
    if "wings" in has:
        tip = (cy - chance(8, 10), cx - chance(4, 6))
        picture[line((cy - 1, cx - 1), tip, 4) | line((cy - 1, cx + 1.5), tip, 3)] = light
    noise = np.random.default_rng(rng.getrandbits(32)).normal(0, 0.04, picture.shape)
    return np.clip(picture + noise, 0, 1)


def draw_many(kinds: list[int], rng: random.Random) -> np.ndarray:
    """Return a picture of a beast of each of these kinds, (n, SIDE, SIDE); half of them look to the left."""
    texts = [*SEEN.values(), *UNSEEN.values()]
    return np.stack([draw(set(texts[kind].split(", ")), rng)[:, :: rng.choice((-1, 1))] for kind in kinds])
