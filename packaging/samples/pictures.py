"""A drawn chart, and a harbour at dusk in place of a photograph."""

import io
import math
import random

from PIL import Image, ImageDraw, ImageFilter, ImageFont

from .figures import MONTHS, REGIONS, SALES, THOUSAND

INK = (45, 52, 60)
BARS = ((38, 96, 140), (92, 150, 170), (214, 130, 70), (150, 160, 90))
SKY = ((24, 38, 84), (244, 168, 110))
SEA = ((150, 110, 110), (18, 30, 58))


def chart() -> bytes:
    """Bars by month and region."""
    picture = Image.new("RGB", (800, 500), "white")
    draw = ImageDraw.Draw(picture)
    font = ImageFont.load_default(18)
    draw.text(
        (60, 20),
        f"Sales, third quarter 2026 ({THOUSAND})",
        fill=INK,
        font=ImageFont.load_default(24),
    )
    base, scale = 420, 0.75
    for value in range(0, 451, 150):
        height = base - value * scale
        draw.line((60, height, 770, height), fill=(215, 220, 225))
        draw.text((18, height - 10), str(value), fill=INK, font=font)
    for group, (month, amounts) in enumerate(zip(MONTHS, SALES, strict=True)):
        left = 90 + group * 230
        for number, amount in enumerate(amounts):
            x = left + number * 45
            draw.rectangle((x, base - amount * scale, x + 36, base), fill=BARS[number])
        draw.text((left + 40, base + 10), month, fill=INK, font=font)
    for number, region in enumerate(REGIONS):
        x = 90 + number * 160
        draw.rectangle((x, 462, x + 16, 478), fill=BARS[number])
        draw.text((x + 24, 459), region, fill=INK, font=font)
    return _saved(picture, "PNG", optimize=True)


def harbour(width: int, height: int, kind: str) -> bytes:
    """Sky, sun, hills and water, with the grain of a small camera."""
    picture = Image.new("RGB", (width, height))
    draw = ImageDraw.Draw(picture)
    shore = int(height * 0.62)
    for y in range(height):
        colour = (
            _between(SKY, y / shore) if y < shore else _between(SEA, (y - shore) / (height - shore))
        )
        draw.line((0, y, width, y), fill=colour)
    sun, radius = (int(width * 0.68), int(shore * 0.82)), height // 14
    draw.circle(sun, radius, fill=(255, 226, 170))
    for depth, shade in ((0.30, (84, 78, 110)), (0.18, (52, 54, 84))):
        ridge = [
            (x, shore - height * depth * _hill(x / width, depth)) for x in range(0, width + 8, 8)
        ]
        draw.polygon([(0, shore), *ridge, (width, shore)], fill=shade)
    chance = random.Random(11)
    for _ in range(160):
        y = chance.randrange(shore + 4, height)
        x = sun[0] + chance.gauss(0, 0.3 + (y - shore) / height) * width * 0.12
        draw.line((x, y, x + chance.randrange(6, 30), y), fill=(240, 190, 140))
    picture = picture.filter(ImageFilter.GaussianBlur(1.2))
    grain = Image.frombytes("L", (width, height), chance.randbytes(width * height))
    picture = Image.blend(picture, grain.convert("RGB"), 0.04)
    return _saved(picture, kind, quality=82)


def _hill(x: float, depth: float) -> float:
    return 0.45 + 0.35 * math.sin(5 * x + 20 * depth) + 0.15 * math.sin(13 * x + depth)


def _between(ends: tuple[tuple[int, ...], tuple[int, ...]], share: float) -> tuple[int, ...]:
    return tuple(round(a + (b - a) * share) for a, b in zip(*ends, strict=True))


def _saved(picture: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()
