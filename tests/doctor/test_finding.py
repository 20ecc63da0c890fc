import io

from rich.console import Console

from nas_hpc.doctor.finding import Finding, check, failed, tell, warning


def told(findings):
    text = io.StringIO()
    failures = tell(findings, Console(file=text, width=40, highlight=False))
    return failures, text.getvalue()


def test_each_finding_is_one_plain_line_and_failures_are_counted():
    failures, text = told(
        [
            check("room", lambda: Finding("[bold] of it,\nand long " + "x" * 80 + ".")),
            check("clock", lambda: warning("2 s behind", "use NTP")),
            check("GPU", lambda: failed("none", "buy one")),
        ]
    )
    assert failures == 1
    assert text.splitlines() == [
        f"ok      room: [bold] of it, and long {'x' * 80}.",
        "warning clock: 2 s behind. Mend: use NTP",
        "FAILED  GPU: none. Mend: buy one",
    ]


def test_a_check_that_cannot_be_made_says_why_and_the_next_one_follows():
    failures, text = told(
        [check("moon", lambda: 1 / 0), check("sun", lambda: Finding("shines"))]  # type: ignore
    )
    assert failures == 1
    assert "FAILED  moon: cannot be checked: division by zero." in text
    assert text.endswith("ok      sun: shines.\n")
