"""The exact engine: trials -> surface -> posterior, by quadrature, without sampling."""

from bayespool.exact.surface import Surface, surface

__all__ = ["Surface", "surface"]
