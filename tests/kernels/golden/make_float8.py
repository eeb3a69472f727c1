"""Writes float8.txt: e4m3fn as torch converts it, to judge kernels/number.h by. Made with torch 2.15.0.

First 256 lines "code bits": the float that each code stands for. Then lines "bits code": floats
about each rounding boundary, and the code that torch rounds them to.
"""

import numpy as np
import torch


def to_code(x):
    return torch.from_numpy(x).to(torch.float8_e4m3fn).view(torch.uint8).numpy()


def boundaries():
    codes = torch.arange(127, dtype=torch.uint8)
    values = codes.view(torch.float8_e4m3fn).to(torch.float32).numpy()
    middles = ((values[:-1].astype(np.float64) + values[1:]) / 2).astype(np.float32)
    below = np.nextafter(middles, np.float32(0))
    above = np.nextafter(middles, np.float32(1e9))
    tiny = np.array([1e-45, 1e-38, 1e-10], dtype=np.float32)
    positive = np.concatenate([values, below, middles, above, tiny])
    return np.concatenate([positive, -positive])


def main():
    codes = torch.arange(256, dtype=torch.uint8)
    values = codes.view(torch.float8_e4m3fn).to(torch.float32).numpy()
    with open("float8.txt", "w") as out:
        for code, bits in enumerate(values.view(np.uint32)):
            out.write("%02x %08x\n" % (code, bits))
        x = boundaries()
        for bits, code in zip(x.view(np.uint32), to_code(x)):
            out.write("%08x %02x\n" % (bits, code))


main()
