"""Reads a page as a browser would, and keeps what the tests ask about."""

from html.parser import HTMLParser

VOID = {"meta", "link", "br", "hr", "img", "input"}


class PageReader(HTMLParser):
    """Checks that tags balance; gathers cells tied to the JSON, addresses, ids and elements."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.cells: list[tuple[str, str, str]] = []
        self.text: list[str] = []
        self._cell: tuple[str, str, int, list[str]] | None = None
        self.feed(html)
        self.close()
        assert not self.open, f"never closed: {self.open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        self.tags.append((tag, attributes))
        if tag in VOID:
            return
        self.open.append(tag)
        if "data-json" in attributes:
            pointer, written_as = str(attributes["data-json"]), str(attributes["data-as"])
            self._cell = (pointer, written_as, len(self.open), [])

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open[-1] == tag, f"</{tag}> inside <{self.open[-1]}>"
        if self._cell and self._cell[2] == len(self.open):
            pointer, written_as, _, text = self._cell
            self.cells.append((pointer, written_as, "".join(text)))
            self._cell = None
        self.open.pop()

    def handle_data(self, data: str) -> None:
        if self._cell:
            self._cell[3].append(data)
        if self.open and self.open[-1] not in ("script", "style"):
            self.text.append(data)

    def values(self, attribute: str) -> list[str]:
        """Every value of an attribute, in order."""
        return [str(a[attribute]) for _, a in self.tags if attribute in a]
