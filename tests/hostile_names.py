"""Names that users could write: each has what some language takes for a mark of its own."""

HOSTILE_NAMES = [
    *"_%&#${}~^\\|<>*+-=!?'\"`[]()@:;,./",
    "_a_ *b* **c** ~~d~~ `e` ^f^ ~g~ ==h== $x_1^2$ $$y$$",
    r"\alpha \\ \input{/etc/passwd} \end{tabular} \newpage ^^41 \[x\] \(y\)",
    "100 % of 5 & 6 # 7, {a} and }{",
    "--- -- - ,, '' `` ?` !` << >> ... \"quoted\"",
    "[a] b", "[a](http://example.org) ![b](c.png) <http://example.org> [^1]",
    "*starred", "http://example.org www.example.org a@example.org :smile: @someone #1 &amp; &#65;",
    "- a", "+ a", "1. a", "12) a", "# a", "> a", "=== a", "--- a", ": a",
    "| a | b |", ":---: | ---", "++a++ ==b== {++c++} ||d||",
    "<b>bold</b> <!-- remark --> </td><script>alert(1)</script>",
    "=1+1", "@SUM(A1)", "+a", "-a", "'=b", "-1.5", "\ta\n b\r\nc\u2028d \x00 e  f ",
    "größer, œuvre, Łódź, naïve – “quoted” ‘so’ … 3 × 4 ± ½ µ °",
    "λ → ∞ ≤ 花瓣 \U0001f600 e\u0301 −1",
    "None", "nan", "",
]  # fmt: skip
