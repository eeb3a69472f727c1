"""Trains a small tokenizer built like DeepSeek-V3's and writes what `tokenizers` makes of many texts.

    python3 tokenizer_make.py [OUT_DIR]

Made with tokenizers 0.23.3 under Python 3.11.7 (Unicode 14). It writes

- tokenizer.json: 3 + 256 + merges, then added tokens as DeepSeek-V3.1 has them, special and not;
- tokenizer_golden.jsonl: {"text"|"hex", "trusted", "untrusted"}, one text a line;
- tokenizer_random.jsonl: [text, hash of trusted ids, hash of untrusted ids], random Unicode;
- tokenizer_variants.json: other pre-tokenizers, flags and models as merge patches (RFC 7396) on
  tokenizer.json, each with texts and ids.

The oracle for trusted text is `encode(text, add_special_tokens=False)`. For untrusted text it is the
same call on the same file with an empty list of added tokens: then nothing is matched, the vocabulary
and its ids stay what they are, and what is left is the plain path. (The library's own switch,
encode_special_tokens, would still match added tokens that are not special.) Bytes that are no UTF-8 go
through Python's errors="replace", which is Unicode's maximal subpart rule, as Rust's lossy conversion.

Random texts use only characters that Unicode 14 knows: Oniguruma in `tokenizers` is newer than many
PCRE2 libraries, and knows some ten thousand letters more.
"""

import json
import random
import sys
import unicodedata
from pathlib import Path

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

from tokenizer_texts import AROUND, HARD, NOT_UTF8, TRAINING

SEED = 20261123
V3 = [
    r"\p{N}{1,3}",
    r"[一-龥぀-ゟ゠-ヿ]+",
    r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+"
    r"| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
]
V2 = [
    r"[\r\n]",
    r"\s?[A-Za-zµÀ-ÖØ-öø-ƺƼ-ƿǄ-ʓʕ-ʯͰ-ͳͶͷͻ-ͽͿΆΈ-ΊΌΎ-ΡΣ-ϵϷ-ҁҊ-ԯԱ-Ֆ]+",
    r"\s?[!-/:-~！-／：-～‘-‟　-。]+",
    r"\s+$",
    r"[一-龥ࠀ-一가-퟿]+",
]
GPT4 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
SPECIAL = ["<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>", "<｜▁pad▁｜>"]
# (text, special, normalized), in the order of ids.
ADDED = [
    ("<｜place▁holder▁no▁0｜>", True, False),
    ("<｜fim▁hole｜>", False, True),
    ("<think>", False, True),
    ("</think>", False, True),
    ("<｜User｜>", False, True),
    ("<｜Assistant｜>", False, True),
    ("<|EOT|>", True, True),
    ("<｜tool▁calls▁begin｜>", True, True),
    ("<｜tool▁call▁begin｜>", True, True),
    ("<｜tool▁sep｜>", True, False),
    ("｜DSML｜", False, True),
]


def split(pattern, behavior="Isolated", invert=False, kind="Regex"):
    return {"type": "Split", "pattern": {kind: pattern}, "behavior": behavior, "invert": invert}


def byte_level(prefix=False, regex=False):
    return {"type": "ByteLevel", "add_prefix_space": prefix, "trim_offsets": True, "use_regex": regex}


def sequence(*stages):
    return {"type": "Sequence", "pretokenizers": list(stages)}


def train():
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex(p), "isolated") for p in V3]
        + [pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=1500,
        special_tokens=SPECIAL,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(TRAINING.splitlines(keepends=True) * 3, trainer)
    tokenizer.add_tokens([AddedToken(t, special=s, normalized=n) for t, s, n in ADDED])
    described = json.loads(tokenizer.to_str())
    # As DeepSeek writes them: no normaliser but an empty sequence, and merges as strings.
    described["normalizer"] = {"type": "Sequence", "normalizers": []}
    described["model"]["merges"] = [" ".join(pair) for pair in described["model"]["merges"]]
    return described


def merge_patch(target, patch):
    if not isinstance(patch, dict):
        return patch
    target = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            target.pop(name, None)
        else:
            target[name] = merge_patch(target.get(name), value)
    return target


class Oracle:
    def __init__(self, described):
        self.trusted_ = Tokenizer.from_str(json.dumps(described))
        self.untrusted_ = Tokenizer.from_str(json.dumps({**described, "added_tokens": []}))

    def trusted(self, text):
        return self.trusted_.encode(text, add_special_tokens=False).ids

    def untrusted(self, text):
        return self.untrusted_.encode(text, add_special_tokens=False).ids


def hash_of(ids):
    """FNV-1a, 64 bits, over the ids as four little-endian bytes each."""
    value = 0xCBF29CE484222325
    for byte in b"".join(i.to_bytes(4, "little") for i in ids):
        value = (value ^ byte) * 0x100000001B3 % 2**64
    return f"{value:016x}"


def random_text(draw, fragments):
    blocks = [(0x20, 0x7E), (0x20, 0x7E), (0xA0, 0x24F), (0x300, 0x36F), (0x370, 0x52F), (0x590, 0x6FF),
              (0x900, 0x97F), (0xE00, 0xE7F), (0x1100, 0x11FF), (0x2000, 0x206F), (0x20A0, 0x22FF),
              (0x2460, 0x27BF), (0x3000, 0x30FF), (0x4E00, 0x9FFF), (0xAC00, 0xD7A3), (0xFB00, 0xFFEF),
              (0x10000, 0x1FFFF), (0x20000, 0x2FFFF), (0x0, 0x10FFFF)]
    parts = []
    for _ in range(draw.randint(1, 9)):
        kind = draw.random()
        if kind < 0.25:
            parts.append(draw.choice(["\n", " ", "  ", "\r\n", "\t", "\u00a0", "\u3000", "\u2028", "\x0b"]))
        elif kind < 0.45:
            parts.append(draw.choice(fragments))
        elif kind < 0.55:
            parts.append(str(draw.randrange(10 ** draw.randint(1, 7))))
        else:
            low, high = draw.choice(blocks)
            for _ in range(draw.randint(1, 4)):
                character = chr(draw.randint(low, high))
                if unicodedata.category(character) not in ("Cs", "Cn"):
                    parts.append(character)
    return "".join(parts)


def golden_lines(oracle):
    added = SPECIAL + [text for text, _, _ in ADDED]
    texts = HARD + [around.format(text) for text in added for around in AROUND]
    texts += [line for line in TRAINING.splitlines() if line]
    texts += ["".join(added), " ".join(added), "a".join(added), added[-1] * 3 + "<" * 3]
    for text in dict.fromkeys(texts):
        yield {"text": text, "trusted": oracle.trusted(text), "untrusted": oracle.untrusted(text)}
    for raw in NOT_UTF8:
        text = raw.decode("utf-8", errors="replace")
        yield {"hex": raw.hex(), "trusted": oracle.trusted(text), "untrusted": oracle.untrusted(text)}


def random_lines(oracle):
    draw = random.Random(SEED)
    words = TRAINING.split() + SPECIAL + [text for text, _, _ in ADDED] * 3 + HARD[:80]
    for _ in range(3000):
        text = random_text(draw, words)
        yield [text, hash_of(oracle.trusted(text)), hash_of(oracle.untrusted(text))]


def added(identifier, text, **flags):
    return {"id": identifier, "content": text, "single_word": False, "lstrip": False, "rstrip": False,
            "normalized": False, "special": False} | flags


def variants(described):
    pairs = [merge.split(" ") for merge in described["model"]["merges"]]
    size = len(described["model"]["vocab"])
    whole = {"ĠCauchyĠSchwarz": size, "Ġwhole": size + 1, "whole": size + 2, "ĠĠĠĠ": size + 3}
    flagged = [
        added(size, "[WORD]", single_word=True), added(size + 1, "cat", single_word=True),
        added(size + 2, "[LEFT]", lstrip=True), added(size + 3, "[RIGHT]", rstrip=True),
        added(size + 4, "[BOTH]", lstrip=True, rstrip=True), added(size + 5, "[N]", normalized=True),
        added(size + 6, "[[N]]"), added(size + 7, " x"), added(size + 8, "ab"), added(size + 9, "abcd"),
        added(size + 10, "bcde", normalized=True), added(size + 11, "[SP]", special=True, single_word=True),
    ]
    flag_texts = [
        "[WORD]", "a[WORD]", "[WORD]b", " [WORD] ", "é[WORD]", "[WORD]é", "_[WORD]", "1[WORD]", "\u0301[WORD]", "\u200d[WORD]",
        "中[WORD]", "cat", "a cat sat", "concatenate", "cat cat", "catcat", "cat-cat", "the cat.", "cat\u0301", "[LEFT]", "a  [LEFT]  b",
        "\n\t[LEFT]\n", "\u3000[LEFT]\u3000b", "a\u200b[LEFT]b", "a [RIGHT] \n b", "[RIGHT][LEFT]", "[RIGHT]   [LEFT]", "a [BOTH] b",
        " [BOTH]  [BOTH] ", "[RIGHT]  x", "[RIGHT] x x", "[N]", "[[N]]", "[[[N]]]", "[[N]", "a [N] b", "ab", "abc", "abcd", "abcde",
        "xabcdex", "bcde", "abbcde", "ababcd", "[SP]", "x[SP]", "[SP] x", " x[RIGHT] x", "[LEFT] [LEFT]", "[BOTH]", "   [BOTH]   ",
    ]
    plain = HARD[:210]
    v2_like = sequence(*[split(p) for p in V2], {"type": "Digits", "individual_digits": True}, byte_level())
    digits = sequence({"type": "Digits", "individual_digits": False}, byte_level(regex=True))
    made = [
        ("merges as pairs", {"model": {"merges": pairs}, "normalizer": None}, plain[:40]),
        ("GPT-2's pattern and a space in front", {"pre_tokenizer": byte_level(prefix=True, regex=True)}, plain),
        ("a space in front of every piece", {"pre_tokenizer": sequence(split(V3[0]), byte_level(prefix=True))}, plain[40:110]),
        ("GLM's pattern", {"pre_tokenizer": sequence(split(GPT4), byte_level())}, plain + ["I'ſ I'M we'RE x'Ll y'Kk"]),
        ("DeepSeek-V2's patterns", {"pre_tokenizer": v2_like}, plain),
        ("whole words before merges", {"pre_tokenizer": sequence(split(r"\n"), byte_level()),
         "model": {"ignore_merges": True, "vocab": whole}, "added_tokens": []},
         ["whole", " whole", " Cauchy Schwarz", "Cauchy Schwarz", "    ", "   ", "whole\n whole\n", "wholes", "\n    \n"]),
        ("grouped digits before GPT-2's pattern", {"pre_tokenizer": digits}, plain[40:110]),
        ("flags of added tokens", {"added_tokens": flagged}, flag_texts),
        ("a space as an added token", {"added_tokens": [
            added(size, "[RIGHT]", rstrip=True), added(size + 1, " "), added(size + 2, "[LEFT]", lstrip=True, normalized=True)]},
         ["[RIGHT]   x", "[RIGHT] [LEFT] [LEFT]", "a b  c", " [LEFT]", "[RIGHT] \n x"]),
    ]
    for behavior in ["Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous"]:
        for invert in [False, True]:
            stages = sequence(split(r"[\s.]", behavior, invert), byte_level())
            made.append((f"{behavior}, {'inverted' if invert else 'as it is'}", {"pre_tokenizer": stages},
                         ["a b", " a b ", "a  b", "..a", "a..", ". a .b", "...", "ab", " ", "the.proof is. done.. "]))
    stages = sequence(split("a.b", kind="String"), split("[", kind="String"), byte_level())
    made.append(("literal patterns", {"pre_tokenizer": stages}, ["a.b", "axb", "the[the", "[[", "xa.bthe", "a.ba.b the"]))
    for name, patch, texts in made:
        oracle = Oracle(merge_patch(described, patch))
        yield {"name": name, "patch": patch, "cases": [[text, oracle.trusted(text)] for text in texts]}


def main(folder):
    described = train()
    oracle = Oracle(described)
    compact = {"ensure_ascii": False, "separators": (",", ":")}
    (folder / "tokenizer.json").write_text(json.dumps(described, **compact) + "\n", encoding="utf-8")
    for name, lines in [("golden", golden_lines(oracle)), ("random", random_lines(oracle))]:
        text = "".join(json.dumps(line, ensure_ascii=True, separators=(",", ":")) + "\n" for line in lines)
        (folder / f"tokenizer_{name}.jsonl").write_text(text, encoding="utf-8")
    text = ",\n".join(json.dumps(v, ensure_ascii=True, separators=(",", ":")) for v in variants(described))
    (folder / "tokenizer_variants.json").write_text(f"[{text}]\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
