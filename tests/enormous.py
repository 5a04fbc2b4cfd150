"""Specs that are as long as a request may be, each of one thing over and over."""

MEGABYTE = 1_000_000


def enormous(size: int) -> dict[str, str]:
    """Specs of about so many bytes, by what they are made of."""
    return {
        "marks of headings": "#" * size + "x",
        "marks of tables": "|" * size + "x",
        "marks of lists": " - " * (size // 3) + "x",
        "one word": "x" * size,
        "headings": "".join(f"# Word{number}\n" for number in range(size // 12)),
        "chapters": "".join(
            f"{'#' * (1 + number % 6)} Part {number}\n\nIt must hold {number} rooms.\n"
            for number in range(size // 45)
        ),
        "nesting": "".join(
            f"{' ' * (number % 400)}- item {number}\n" for number in range(size // 222)
        ),
        "code": "```\n" + "x = 1\n" * (size // 6) + "```\n",
        "table": "| a | b |\n|---|---|\n" + "| one | two |\n" * (size // 14),
        "requirements": "".join(
            f"The user{number} must see page{number} of thing{number}. "
            for number in range(size // 45)
        ),
        "questions": "".join(f"Who pays for item{number}?\n" for number in range(size // 25)),
        "references": "".join(
            f"# Part {number}\nThis depends on part {number - 1} of it.\n"
            for number in range(size // 45)
        ),
        "right to left": "\u202eيجب أن تعرض الصفحة الغرف.\u202c " * (size // 56),
        "zero width": "\u200b" * (size // 3) + "x",
        "emoji": "\U0001f600" * (size // 4) + "x",
        "Chinese": "系统必须显示所有可用的房间" * (size // 39),
        "Windows lines": "The page must show rooms.\r\n" * (size // 27),
        "NUL": "\x00" * size + "x",
    }
