"""Texts for tokenizer_make.py: what the small tokenizer is trained on, and lines that are hard."""

TRAINING = r"""
Theorem 1. Let $n \ge 2$ be an integer. Then there are infinitely many primes $p \equiv 3 \pmod{4}$.
Proof. Suppose that there are only finitely many such primes, say $p_1, \dots, p_k$. Consider the number
\[ N = 4 p_1 p_2 \cdots p_k - 1. \] Since $N \equiv 3 \pmod{4}$, it has a prime factor of the same form,
which is none of the $p_i$, because $p_i \mid N + 1$. This is a contradiction. \qed
\begin{align*}
  \sum_{i=1}^{n} i^2 &= \frac{n(n+1)(2n+1)}{6}, \\
  \int_0^1 x^{a-1} (1-x)^{b-1} \, dx &= \frac{\Gamma(a)\Gamma(b)}{\Gamma(a+b)}.
\end{align*}
\textbf{Lemma.} For all real $x, y$ we have $|x + y| \leq |x| + |y|$, with equality if and only if $xy \ge 0$.
By the Cauchy--Schwarz inequality, $\left( \sum a_i b_i \right)^2 \le \left( \sum a_i^2 \right) \left( \sum b_i^2 \right)$.
We prove the claim by induction on $n$. The base case $n = 1$ is clear. Assume that it holds for $n$; we show it for $n+1$.
Therefore the function f(x) = x^3 - 3x + 1 has three real roots, and the answer is 42, as claimed.
It follows from the definition that the set is closed under addition. Hence the proof is complete.
Is the proof correct? The solution is completely correct, with all steps executed properly and clearly demonstrated.
Score: 1. The overall score is based on the evaluation. If there are minor errors then the score is 0.5.
However, the second step isn't justified: it doesn't follow that the sequence converges, and we've assumed what's to be shown.
\boxed{0} and \boxed{0.5} and \boxed{1}. \text{if } x > 0, \quad \mathbb{R}, \mathbb{Z}, \mathcal{F}, \varepsilon, \delta, \infty.
def solve(n: int) -> int:
    result = 0
    for i in range(1, n + 1):
        if i % 3 == 0 and i % 5 != 0:
            result += i * i
    return result
{"name": "value", "list": [1, 2, 3], "nested": {"true": false, "null": null}}
设 $n$ 为正整数，证明存在无穷多个素数。假设只有有限多个素数，那么考虑它们的乘积加一。
因为这个数不能被任何一个素数整除，所以得到矛盾。证毕。由数学归纳法可知，命题对所有自然数成立。
函数在区间上连续，并且在该点可导，因此存在极值。答案是三个不同的实数根。
証明：ある整数について、次の等式が成り立つことを示す。したがって、この関数は連続である。
カタカナとひらがなと漢字を混ぜた文章です。数学の問題を解くことができます。
Доказательство. Предположим, что существует конечное число простых чисел. Рассмотрим их произведение плюс единица.
Следовательно, функция непрерывна на отрезке, и теорема доказана. Пусть число является целым.
البرهان: نفترض أن عدد الأعداد الأولية منته. إذن يوجد عدد أولي جديد، وهذا تناقض.
Η απόδειξη είναι πλήρης. Έστω ότι υπάρχουν πεπερασμένοι πρώτοι αριθμοί.
Der Beweis ist vollständig: für alle natürlichen Zahlen größer als zwei gilt die Ungleichung.
La démonstration est complète ; l'hypothèse de récurrence s'applique à tous les entiers naturels.
증명: 모든 정수에 대하여 다음이 성립한다. 따라서 함수는 연속이다.
मान लीजिए कि संख्या अभाज्य है। इसलिए प्रमेय सिद्ध होता है।
ให้ n เป็นจำนวนเต็มบวก พิสูจน์ว่ามีจำนวนเฉพาะอนันต์
The quick brown fox jumps over the lazy dog. 2024 2025 100000 3.14159265358979 1/2 2^10 = 1024
😀 😃 👍🏽 👨‍👩‍👧‍👦 🇫🇷 ✅ ❌ → ← ∀ ∃ ∈ ∉ ⊂ ∪ ∩ ≤ ≥ ≠ ≈ ∞ ∑ ∏ √ ∫
"""

HARD = [
    "", " ", "  ", "   ", "\n", "\n\n", "\r\n", "\r", "\t", " \n", "\n ", " \n ", "\n \n", "  \n\n  x",
    "a", " a", "  a", "a ", "a  ", "a\n", "a \n b", "a\n\n\nb", "a\r\nb", "a\r\n\r\nb", "\ta\tb\t", "a\u00a0b",
    "x  y   z    w", "   leading", "trailing   ", "tab\t\ttab", "mixed \t \n\t end", "a\u2028b\u2029c", "a\u0085b",
    "\u3000\u3000全角空白", "a\u200bb", "a\ufeffb", "\ufeffbom", "zero\u200djoin", "nbsp\u00a0\u00a0two", "\u180e \u180e",
    "1", "12", "123", "1234", "12345", "123456", "1234567890", "3.14159", "1,000,000", "1e10", "0x1F", "2024-01-02",
    "v2.0.1", "a1b2c3", "x12345y", " 123", "  1234", "12 34", "½ ¾ ²³ Ⅷ ৪৫৬ ١٢٣٤", "１２３４５", "一二三123四五", "$1,234.56",
    "!", "!!", "...", "?!?!", "--", "->", "=>", "!=", "a!b", "!a", "!abc def", " !abc", ".foo.bar", "(x)", "( x )",
    "f(x)=x^2", "{[()]}", "'s 't 're 've 'm 'll 'd", "don't DON'T", "it's we're they've I'm he'll she'd",
    "\"quoted\"", "`code`", "```python\nprint(1)\n```", "a_b_c", "snake_case_name", "kebab-case-name", "CamelCaseName",
    "http://example.com/a?b=c&d=e#f", "me@example.com", "#hashtag @user", "100%", "a/b\\c", "C++", "c#", "\\n\\t",
    "\\frac{1}{2}", "$x^2 + y^2 = z^2$", "\\begin{align}\n  a &= b \\\\\n  c &= d\n\\end{align}", "\\[\\sum_{i=1}^n i\\]",
    "\\mathbb{R}^{n}", "a_{n+1} \\le a_n", "\\forall\\varepsilon>0\\,\\exists\\delta>0", "%comment\n", "~\\cite{x}",
    "漢字かなカナ", "漢字 かな カナ", "日本語とEnglish混在", "ー〜・ヽヾ", "゠ァヺー", "ぁゖ゙゛ゟ", "一龥龦龻鿿", "㐀䶵", "中文，标点。！？",
    "你好world你好", "你好 world 你好", "𠀀𠀁", "한국어 조선말", "ᄀᄁ각", "ภาษาไทย", "हिन्दी भाषा", "العربية، لغة", "עברית שלום",
    "Привет, мир!", "ПРИВЕТ", "ёЁйЙ", "Ελληνικά", "ἀρχή", "Ünïcödé", "naïve café", "e\u0301 o\u0308", "a\u0300\u0301\u0302\u0303b",
    "\u0301start", " \u0301x", "!\u0301", "x\u20dd", "ﬁ ﬂ ﬀ", "ß ẞ ſ", "İ ı", "Ǆ ǅ ǆ", "ªº", "ʰʲ", "𝒜𝓑𝔸𝟙𝟚", "ℵ₀ ℝⁿ", "①②③", "㊀㊁",
    "😀", "😀😀", " 😀", "a😀b", "👍🏽", "👨‍👩‍👧‍👦", "🇫🇷🇩🇪", "❤️", "☺", "✅❌", "→←↑↓", "∀x∃y", "∑∏∫", "€£¥₹", "©®™", "°C", "§1¶2",
    "«guillemets» „quotes“ ‘single’", "em—dash en–dash", "…", "·•‣", "¡Hola! ¿Qué?", "† ‡ ‰", "＜全角＞", "｜", "▁", "Ġ", "Ċ", "ĠĠ", "â", "ÿ",
    "\x00", "a\x00b", "\x01\x02\x03", "\x07\x08\x0b\x0c", "\x1b[31m", "\x7f", "\x80\x81", "\u00ad", "\u061c\u200e\u200f", "\u202e\u202d",
    "\ue000\uf8ff", "\U000f0000", "\U0010ffff", "\ufffd", "\ufffe\uffff", "\u0378", "\U0001f3fb", "\U000e0041\U000e007f",
    "a" * 50, "ab" * 30, " " * 40, "\n" * 30, "=" * 60, "-" * 33, "." * 100, "1" * 50, "中" * 30, "\r\n" * 12, " \n" * 12, "\t " * 9,
    "the the the the", "The THE tHe", "thetheorem theorems", "proof", " proof", "Proof.", "\nProof.", "contradiction contradictory",
    "hello\u2003world", "x\u1680y", "\u2009thin", "a\u202fb\u205fc", "line\x0bvertical\x0cfeed", "\x1c\x1d\x1e\x1f", "a \u0301b",
    "if (a<b && c>d) { return x|y; }", "<think", "think>", "</think", "< think >", "<｜", "｜>", "<｜User", "User｜>", "<|User|>", "<｜user｜>",
]

AROUND = ["{0}", "a{0}", "{0}a", " {0} ", "\n{0}\n", "{0}{0}", "x {0} y", "1{0}2", "中{0}文", "{0} \n", "  {0}  ", "<{0}>"]

NOT_UTF8 = [
    b"\xff", b"a\xffb", b"\xc3", b"\xc3(", b"\xe4\xb8", b"\xe4\xb8a", b"\xf0\x9f\x98", b"\xf0\x9f\x98\x80\xf0", b"\x80\x80\x80",
    b"\xc0\xaf", b"\xe0\x80\xaf", b"\xed\xa0\x80", b"\xed\xb0\x80x", b"\xf4\x90\x80\x80", b"\xf8\x88\x80\x80\x80", b"ok \xe4\xb8\xad\xe4\xb8 end",
    b"\xfe\xfe\xff\xff", b"\xe4\xe4\xe4", b"\xf0\xf0\x9f\x9f", b"<\xef\xbd", b"<\xef\xbd\x9cUser\xef\xbd\x9c>\xef\xbd",
]
