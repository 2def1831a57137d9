"""Small documents of every kind, made on the spot."""

import io
import zipfile
from collections.abc import Mapping

import docx
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.lib.styles import getSampleStyleSheet
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import PageBreak, Paragraph, SimpleDocTemplate

PROSE = "The ferry leaves the harbour at seven and carries many passengers to the northern islands every day. " * 4
RUSSIAN = "Паром отходит от причала в семь часов. Пассажирам нельзя выходить на автомобильную палубу. "

_RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_OPEN_XML = "http://schemas.openxmlformats.org"
_TYPES = (
    f'<Types xmlns="{_OPEN_XML}/package/2006/content-types"><Default Extension="xml" ContentType="text/xml"/></Types>'
)


def pdf(*pages: str, user_password: str | None = None) -> bytes:
    """Pages of flowing text, each below its first line, which is set larger. With a password it is encrypted."""
    file = io.BytesIO()
    encrypt = None if user_password is None else StandardEncryption(user_password, "owner")
    flow = []
    for page in pages:
        title, _, body = page.partition("\n")
        flow += [Paragraph(title, getSampleStyleSheet()["Heading1"]), Paragraph(body), PageBreak()]
    SimpleDocTemplate(file, encrypt=encrypt).build(flow)
    return file.getvalue()


def pdf_lines(*lines: str, bookmark: str = "") -> bytes:
    """One page with these very lines."""
    file = io.BytesIO()
    canvas = Canvas(file)
    if bookmark:
        canvas.bookmarkPage("here")
        canvas.addOutlineEntry(bookmark, "here")
    for at, line in enumerate(lines):
        canvas.drawString(50, 700 - 14 * at, line)
    canvas.save()
    return file.getvalue()


def pdf_book(*chapters: tuple[str, str, int]) -> bytes:
    """For each chapter its printed title, what its bookmark says, and how many pages later than there it stands.

    Long titles go over two lines, and each page begins with the same running head as a page of its own would.
    """
    file = io.BytesIO()
    canvas = Canvas(file)
    for at, (title, bookmark, later) in enumerate(chapters):
        canvas.bookmarkHorizontal(f"chapter{at}", 50, 650)
        canvas.addOutlineEntry(bookmark, f"chapter{at}")
        for _ in range(later):
            canvas.drawString(50, 760, "The end of what went before.")
            canvas.showPage()
        canvas.drawString(50, 760, bookmark)
        canvas.drawString(50, 700, "What is said before the title.")
        for line, part in enumerate(title.split("|")):
            canvas.drawString(50, 640 - 14 * line, part)
        canvas.drawString(50, 580, "the text of the chapter begins in lower case.")
        canvas.showPage()
    canvas.save()
    return file.getvalue()


def word() -> bytes:
    """A heading, a paragraph, a lower heading and a table."""
    document = docx.Document()
    document.add_heading("Fares", 1)
    document.add_paragraph("An adult pays 18 crowns * on line_a.")
    document.add_heading("Refunds", 2)
    table = document.add_table(2, 2)
    for cell, text in zip([cell for row in table.rows for cell in row.cells], ("Zone", "Price", "A", "9"), strict=True):
        cell.text = text
    file = io.BytesIO()
    document.save(file)
    return file.getvalue()


def sheet() -> bytes:
    """One sheet `Stops` of two rows."""
    main = f"{_OPEN_XML}/spreadsheetml/2006/main"
    cell = '<c r="{}" t="inlineStr"><is><t>{}</t></is></c>'.format
    rows = f'<row r="1">{cell("A1", "Stop")}{cell("B1", "Zone")}</row>'
    rows += f'<row r="2">{cell("A2", "Harbour")}{cell("B2", "A")}</row>'
    return zipped(
        {
            "[Content_Types].xml": _TYPES,
            "_rels/.rels": _related("officeDocument", "xl/workbook.xml"),
            "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{_RELATIONS}"><sheets>'
            '<sheet name="Stops" sheetId="1" r:id="rId1"/></sheets></workbook>',
            "xl/_rels/workbook.xml.rels": _related("worksheet", "worksheets/sheet1.xml"),
            "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{main}"><sheetData>{rows}</sheetData></worksheet>',
        }
    )


def slides() -> bytes:
    """One slide with a title and a sentence."""
    drawing = f'xmlns:p="{_OPEN_XML}/presentationml/2006/main" xmlns:a="{_OPEN_XML}/drawingml/2006/main"'
    shape = (
        '<p:sp><p:nvSpPr><p:cNvPr id="1" name="s"/><p:cNvSpPr/><p:nvPr>{}</p:nvPr></p:nvSpPr>'
        "<p:txBody><a:p><a:r><a:t>{}</a:t></a:r></a:p></p:txBody></p:sp>"
    ).format
    shapes = shape('<p:ph type="title"/>', "Boarding") + shape("", "Ramps open at nine.")
    return zipped(
        {
            "[Content_Types].xml": _TYPES,
            "_rels/.rels": _related("officeDocument", "ppt/presentation.xml"),
            "ppt/presentation.xml": f'<p:presentation {drawing} xmlns:r="{_RELATIONS}"><p:sldIdLst>'
            '<p:sldId id="256" r:id="rId1"/></p:sldIdLst></p:presentation>',
            "ppt/_rels/presentation.xml.rels": _related("slide", "slides/slide1.xml"),
            "ppt/slides/slide1.xml": f"<p:sld {drawing}><p:cSld><p:spTree>{shapes}</p:spTree></p:cSld></p:sld>",
        }
    )


def book() -> bytes:
    """One chapter with a script and a link that runs code."""
    return zipped(
        {
            "mimetype": "application/epub+zip",
            "META-INF/container.xml": '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
            '<rootfile full-path="c.opf" media-type="application/oebps-package+xml"/></rootfiles></container>',
            "c.opf": '<package xmlns="http://www.idpf.org/2007/opf" version="3.0"><manifest>'
            '<item id="a" href="a.xhtml" media-type="application/xhtml+xml"/></manifest>'
            '<spine><itemref idref="a"/></spine></package>',
            "a.xhtml": '<html xmlns="http://www.w3.org/1999/xhtml"><head><title>t</title></head><body><h1>Chapter</h1>'
            '<p>The book has <a href="javascript:x()">a link</a>.</p><script>evil()</script></body></html>',
        }
    )


def zipped(members: Mapping[str, str | bytes]) -> bytes:
    """A ZIP container of these members."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


def _related(kind: str, target: str) -> str:
    return (
        f'<Relationships xmlns="{_OPEN_XML}/package/2006/relationships">'
        f'<Relationship Id="rId1" Type="{_RELATIONS}/{kind}" Target="{target}"/></Relationships>'
    )
