"""docs/PERFORMANCE.md: what stands between the marks of a case is the benchmark's."""
import os
import re

from importing import ROOT

PAGE = os.path.join(ROOT, "docs", "PERFORMANCE.md")
PLOT = os.path.join(ROOT, "docs", "throughput.svg")


def put(name, text):
    with open(PAGE, encoding="utf-8") as page:
        before = page.read()
    marks = re.compile(rf"(<!-- bench:{name} -->\n).*?(<!-- /bench:{name} -->)", re.DOTALL)
    after, count = marks.subn(lambda match: f"{match[1]}{text}\n{match[2]}", before)
    if count != 1:
        raise SystemExit(f"ops/bench: docs/PERFORMANCE.md has {count} places marked bench:{name}, and needs one")
    with open(PAGE + ".new", "w", encoding="utf-8") as page:
        page.write(after)
    os.replace(PAGE + ".new", PAGE)
