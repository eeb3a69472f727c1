"""Writes act_quant.txt: groups of 128 numbers, and what the FP8 deployment makes of them.

A transcription of act_quant (DeepSeek-V3.2-Exp, inference/kernel.py) into numpy that rounds by
search in a table instead of by bits. Each line holds the bits of x, of its rounding with a scale
that is a power of two, and of its rounding with the exact scale. Made with numpy 2.4.6.

The published kernel multiplies by 1/448 where we divide by 448. The powers of two are the same
(asserted below); exact scales may differ in the last place.
"""

import numpy as np

GROUP = 128
MOST = np.float32(448)
AMAX_LEAST = np.float32(1e-4)


def e4m3_values():
    """The 127 finite magnitudes, by code: 4 bits of exponent (bias 7), 3 of mantissa."""
    values = []
    for code in range(127):
        exponent, mantissa = code >> 3, code & 7
        fraction = mantissa / 8 if exponent == 0 else 1 + mantissa / 8
        values.append(fraction * 2.0 ** (max(exponent, 1) - 7))
    return np.array(values)


def to_e4m3(x):
    """To the nearest magnitude; of two equally near ones that with the even code."""
    values = e4m3_values()
    distance = np.abs(np.abs(x.astype(np.float64))[:, None] - values[None, :])
    odd = np.arange(127) % 2
    best = np.lexsort((np.broadcast_to(odd, distance.shape), distance), axis=1)[:, 0]
    return np.copysign(values[best], x).astype(np.float32)


def raised(s):
    return np.float32(2.0 ** np.ceil(np.log2(np.float64(s))))


def act_quant(x, power_of_two):
    amax = max(np.max(np.abs(x)), AMAX_LEAST)
    s = np.float32(amax / MOST)
    if power_of_two:
        published = np.float32(amax * np.float32(1 / np.float64(MOST)))
        assert raised(published) == raised(s)
        s = raised(s)
    return to_e4m3(np.clip(x / s, -MOST, MOST)) * s


def groups():
    draw = np.random.default_rng(20250929)
    even = draw.uniform(-1, 1, GROUP)
    outlier = draw.normal(0, 1, GROUP)
    outlier[7] = 300
    wide = draw.normal(0, 1, GROUP) * 2.0 ** draw.integers(-14, 8, GROUP)
    steps = np.linspace(-448, 448, GROUP)  # amax = 448: the scale is 1
    above = np.linspace(-1, 1, GROUP) * np.nextafter(np.float32(448), np.float32(1e9))
    tiny = draw.uniform(-1e-5, 1e-5, GROUP)  # below AMAX_LEAST
    halves = (np.arange(GROUP) - 64) / 16 * 2.0**-9  # subnormal e4m3 and their ties ...
    halves[0] = 448  # ... at scale 1
    zero = np.zeros(GROUP)
    return [g.astype(np.float32) for g in (even, outlier, wide, steps, above, tiny, halves, zero)]


def main():
    with open("act_quant.txt", "w") as out:
        for x in groups():
            columns = [x, act_quant(x, True), act_quant(x, False)]
            for row in zip(*(c.view(np.uint32) for c in columns)):
                out.write("%08x %08x %08x\n" % row)


main()
