"""Lists come in pages: `?page=2&page_size=100`."""

from rest_framework.pagination import PageNumberPagination


class Pages(PageNumberPagination):
    """50 rows to a page, up to 200 on request."""

    page_size = 50
    max_page_size = 200
    page_size_query_param = "page_size"
