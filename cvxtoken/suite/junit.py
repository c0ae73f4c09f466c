"""Verdicts as JUnit XML, which CI systems show as tests.

A form of the instances is a testsuite, an instance a testcase with its family as the class. What is wrong or
not solved is a failure, of the type 'wrong' or 'failed', with the reason as its message.
"""

from __future__ import annotations

from xml.etree import ElementTree

from cvxtoken.suite.verdict import PASSED, Verdict

# what XML 1.0 cannot hold, from words of a solver: control characters and lone surrogates
_NO_XML = {
    code: "?" for code in (*range(32), *range(0xD800, 0xE000), 0xFFFE, 0xFFFF) if code not in (9, 10, 13)
}


def junit(solver: str, verdicts: list[Verdict]) -> str:
    """The text of a JUnit file.

    Args:
        solver: its name and version.
        verdicts: of a run, or of the part of it that there is.
    """
    root = ElementTree.Element("testsuites", _counts(verdicts), name=_clean(solver))
    for form in dict.fromkeys(v.form for v in verdicts):
        own = [v for v in verdicts if v.form == form]
        suite = ElementTree.SubElement(root, "testsuite", _counts(own), name=_clean(f"{solver} {form}"))
        for v in own:
            family = v.instance.partition("/")[0]
            case = ElementTree.SubElement(
                suite, "testcase", classname=f"{form}.{family}", name=v.instance, time=f"{v.seconds:.6f}"
            )
            if v.verdict != PASSED:
                ElementTree.SubElement(case, "failure", type=v.verdict, message=_clean(v.reason))
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _counts(verdicts: list[Verdict]) -> dict[str, str]:
    return {
        "tests": str(len(verdicts)),
        "failures": str(sum(v.verdict != PASSED for v in verdicts)),
        "errors": "0",
        "time": f"{sum(v.seconds for v in verdicts):.6f}",
    }


def _clean(text: str) -> str:
    return text.translate(_NO_XML)
