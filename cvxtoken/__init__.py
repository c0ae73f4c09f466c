"""Certified optimal thinking-token budgets for LLM servers: a convex reference with a checkable proof."""

import lazy_loader

# a name is imported when it is first used; __init__.pyi says from where
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

__version__ = "0.2.0"
