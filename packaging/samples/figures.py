"""The company and its quarter: every document shows the same figures."""

import datetime as dt

COMPANY = "Halden & Roe Ceramics"
AUTHOR = "Ingrid Halden"
CREATED = dt.datetime(2026, 10, 2, 9, 30, tzinfo=dt.UTC)

THOUSAND = "thousand EUR"
MONTHS = ("July", "August", "September")
REGIONS = ("Nordic", "Central", "China", "Iberia")
SALES = ((412, 288, 195, 140), (398, 301, 224, 152), (436, 317, 261, 149))


def total() -> int:
    """The sales of the quarter."""
    return sum(map(sum, SALES))


def of_region(number: int) -> int:
    """The sales of one region."""
    return sum(month[number] for month in SALES)
