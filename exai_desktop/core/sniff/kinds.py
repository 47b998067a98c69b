"""Every kind that can be told by content: its family, its words, the endings it goes by."""

from __future__ import annotations

from typing import Final, NamedTuple

from exai_desktop.core.sniff.look import Agreement, Family

_F = Family


def words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Source code: a first line `#!...` is at home here and makes no program of it.
SOURCE_ENDINGS: Final = words(
    "py py3 pyi js mjs cjs ts tsx jsx go rs rb pl pm php lua r jl swift kt kts scala groovy tcl"
    " java c h cc cpp cxx hpp cs ml hs ex exs clj nim d dart awk sed sql cmake mk"
)
_TEXT: Final = (
    "txt text csv tsv md markdown mdx rst adoc asciidoc org log json jsonl ndjson json5 geojson"
    " ipynb xml xsd xsl xslt rss atom plist kml gpx html htm xhtml shtml css scss sass less jsp"
    " asp aspx vue svelte yaml yml toml ini conf cfg properties env tex bib srt vtt sub diff patch"
    " proto graphql gql tf hcl gradle vb pas asm s f90 m mm v sv vhd dot gv xbm xpm ics vcf eml"
    " mht mhtml po pot lrc opml list nfo readme license makefile dockerfile"
)
TEXT_ENDINGS: Final = words(_TEXT) | SOURCE_ENDINGS

# Endings that some system runs, installs or follows on a double click. Source code is not here.
PROGRAM_ENDINGS: Final = words(
    "exe com scr pif bat cmd msi msp mst msu msix msixbundle appx appxbundle appinstaller dll ocx"
    " sys drv cpl ax efi mui xll wll vbs vbe jse wsf wsh wsc sct hta ps1 psm1 psd1 ps1xml cdxml"
    " lnk url scf reg inf ins isp job gadget msc chm hlp application appref-ms library-ms"
    " search-ms searchconnector-ms settingcontent-ms website diagcab jar class dex apk aab ipa"
    " sh bash zsh ksh csh fish command tool workflow action app pkg mpkg dmg deb rpm snap flatpak"
    " appimage run elf so ko dylib bundle wasm desktop pyc pyo pyd pyz pyw xpi crx swf jnlp ade adp"
    " mde accde accdr"
)


class Kind(NamedTuple):
    family: Family
    title: str
    endings: frozenset[str]


def _rows(family: Family, rows: str) -> dict[str, Kind]:
    """One line a kind: name | what people call it | endings."""
    found = {}
    for row in rows.strip().splitlines():
        name, title, endings = (part.strip() for part in row.split("|"))
        found[name] = Kind(family, title, words(endings))
    return found


KINDS: Final[dict[str, Kind]] = {
    "unknown": Kind(_F.UNKNOWN, "data of an unknown type", frozenset()),
    "unreadable": Kind(_F.UNKNOWN, "a file that could not be checked", frozenset()),
    "empty": Kind(_F.UNKNOWN, "an empty file", frozenset()),
    "text": Kind(_F.TEXT, "text", TEXT_ENDINGS),
    "script": Kind(_F.TEXT, "a script", SOURCE_ENDINGS),
    **_rows(
        _F.TEXT,
        """
        html | a web page       | html htm xhtml shtml php jsp asp aspx vue svelte md mdx markdown
        """,
    ),
    **_rows(
        _F.DOCUMENT,
        """
        pdf  | a PDF document                     | pdf ai
        rtf  | an RTF document                    | rtf
        postscript | a PostScript document        | ps eps
        docx | a Word document                    | docx
        docm | a Word document with macros        | docm
        dotx | a Word template                    | dotx
        dotm | a Word template with macros        | dotm
        xlsx | an Excel workbook                  | xlsx
        xlsm | an Excel workbook with macros      | xlsm
        xltx | an Excel template                  | xltx
        xltm | an Excel template with macros      | xltm
        xlsb | a binary Excel workbook            | xlsb
        xlam | an Excel add-in                    | xlam
        pptx | a PowerPoint presentation          | pptx
        pptm | a PowerPoint presentation with macros | pptm
        ppsx | a PowerPoint show                  | ppsx
        ppsm | a PowerPoint show with macros      | ppsm
        potx | a PowerPoint template              | potx
        potm | a PowerPoint template with macros  | potm
        vsdx | a Visio drawing                    | vsdx vsdm
        xps  | an XPS document                    | xps oxps
        odt  | an OpenDocument text               | odt ott odm
        ods  | an OpenDocument spreadsheet        | ods ots
        odp  | an OpenDocument presentation       | odp otp
        odg  | an OpenDocument drawing            | odg otg
        epub | an EPUB book                       | epub
        mobi | a Mobipocket book                  | mobi azw azw3 prc
        iwork | an iWork document                 | pages numbers
        doc  | a Word 97 document                 | doc dot
        xls  | an Excel 97 workbook               | xls xlt
        ppt  | a PowerPoint 97 presentation       | ppt pps pot
        ooxml-encrypted | an Office document with a password | docx docm xlsx xlsm xlsb pptx pptm
        vsd  | a Visio 97 drawing                 | vsd
        msg  | an Outlook message                 | msg
        ole  | an OLE compound file               |
        onenote | a OneNote section               | one
        djvu | a DjVu document                    | djvu djv
        sqlite | an SQLite database               | sqlite sqlite3
        """,
    ),
    **_rows(
        _F.IMAGE,
        """
        png  | a PNG picture    | png apng
        jpg  | a JPEG picture   | jpg jpeg jfif pjpeg pjp jpe
        gif  | a GIF picture    | gif
        webp | a WebP picture   | webp
        bmp  | a BMP picture    | bmp dib
        tiff | a TIFF picture   | tiff tif
        ico  | an icon          | ico cur
        svg  | an SVG drawing   | svg xml
        svgz | a compressed SVG drawing | svgz
        heic | a HEIC picture   | heic heif hif
        avif | an AVIF picture  | avif
        jp2  | a JPEG 2000 picture | jp2 j2k jpx
        jxl  | a JPEG XL picture | jxl
        psd  | a Photoshop picture | psd psb
        """,
    ),
    **_rows(
        _F.AUDIO,
        """
        mp3  | an MP3 recording  | mp3
        wav  | a WAV recording   | wav wave
        flac | a FLAC recording  | flac
        ogg  | an Ogg recording  | ogg oga opus ogv
        m4a  | an MPEG-4 recording | m4a m4b m4p
        aac  | an AAC recording  | aac
        amr  | an AMR recording  | amr
        aiff | an AIFF recording | aif aiff aifc
        midi | a MIDI file       | mid midi
        """,
    ),
    **_rows(
        _F.VIDEO,
        """
        mp4  | an MPEG-4 video    | mp4 m4v mov qt 3gp 3gpp 3g2
        mov  | a QuickTime video  | mov qt mp4 m4v
        3gp  | a 3GPP video       | 3gp 3gpp 3g2 mp4
        avi  | an AVI video       | avi
        mpeg | an MPEG video      | mpeg mpg mpe m2v vob
        mpegts | an MPEG transport stream | mts m2ts mpeg mpg
        flv  | a Flash video      | flv
        webm | a WebM video       | webm
        mkv  | a Matroska video   | mkv mka
        wmv  | a Windows Media file | wmv asf wma
        """,
    ),
    **_rows(
        _F.ARCHIVE,
        """
        zip  | a zip archive      | zip
        gzip | a gzip archive     | gz tgz
        bzip2 | a bzip2 archive   | bz2 tbz2
        xz   | an xz archive      | xz txz
        zstd | a zstd archive     | zst
        lz4  | an lz4 archive     | lz4
        7z   | a 7-Zip archive    | 7z
        rar  | a RAR archive      | rar
        tar  | a tar archive      | tar
        cab  | a cabinet archive  | cab
        ar   | an ar archive      | a lib
        cpio | a cpio archive     | cpio
        compress | a compress archive | z
        lzh  | an LZH archive     | lzh lha
        arj  | an ARJ archive     | arj
        iso  | a disc image       | iso
        squashfs | a disc image   | squashfs sfs
        wim  | a disc image       | wim esd
        vhd  | a disc image       | vhdx vmdk qcow2
        """,
    ),
    **_rows(
        _F.PROGRAM,
        """
        pe   | a Windows program       | exe dll scr sys com cpl ocx drv efi mui ax pyd xll
        dos  | a DOS program           | exe com
        elf  | a Linux program         | elf so ko run appimage o
        macho | a macOS program        | dylib bundle o
        class | a Java program         | class
        jar  | a Java program          | jar war ear
        apk  | an Android program      | apk aab
        dex  | an Android program      | dex
        ipa  | an iOS program          | ipa
        wasm | a WebAssembly program   | wasm
        lnk  | a Windows shortcut      | lnk
        pyc  | compiled Python         | pyc pyo
        msi  | a Windows installer     | msi msp mst
        appx | a Windows app package   | appx msix appxbundle msixbundle
        deb  | a Debian package        | deb
        rpm  | an RPM package          | rpm
        dmg  | a macOS disk image      | dmg
        pkg  | a macOS installer       | pkg mpkg xar
        crx  | a browser extension     | crx
        xpi  | a browser extension     | xpi
        swf  | a Flash program         | swf
        chm  | a compiled help file    | chm
        registry | registry entries    | reg
        launcher | a link or launcher  | url desktop
        eicar | a virus scanner's test file | com
        """,
    ),
}

KNOWN_ENDINGS: Final = frozenset().union(*(k.endings for k in KINDS.values())) | PROGRAM_ENDINGS


def agreement(kind: str, ending: str) -> Agreement:
    if ending in KINDS[kind].endings:
        return Agreement.YES
    return Agreement.NO if ending in KNOWN_ENDINGS else Agreement.UNKNOWN
