"""A table as one page of HTML: no script, nothing from elsewhere, everything escaped."""

from jinja2 import Environment, PackageLoader, StrictUndefined

from workbench.cohort.sheet import Sheet


def sheet_html(sheet: Sheet) -> str:
    """The page, the same bytes for the same table.

    Parameters
    ----------
    sheet
        Its words; what came from data is escaped.
    """
    templates = Environment(
        loader=PackageLoader("workbench.cohort", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return templates.get_template("sheet.html").render(sheet=sheet)
